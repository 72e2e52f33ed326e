//! What statements that do not call us mean for us: role DDL that goes round our functions, and objects
//! that are made. Called by nobody but the server.

mod created;
mod roles;

use crate::pg::watched;

/// Watches from here on; only while libraries are preloaded.
pub fn install() {
    roles::install();
    created::install();
    watched::watch();
}
