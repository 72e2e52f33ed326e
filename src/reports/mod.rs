//! Who may do what with which table and schema, and why: catalogs read once, nothing changed.
//!
//! [`closure`] knows who has whose rights, [`expand`] what an access list comes to; both are pure.
//! [`privileges`] puts the rows of the reports together, [`reading`] tells who can do nothing but read.

pub mod api;
mod closure;
mod expand;
mod privileges;
mod reading;

pub use reading::read_only;

use crate::error::Result;
use crate::pg::census;
use closure::Roles;

/// The roles and memberships of the cluster.
fn roles() -> Result<Roles> {
    Ok(Roles::new(census::roles()?, &census::memberships()?))
}
