//! SQL functions of this room.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.pgbouncer_auth`.
pub fn pgbouncer_auth(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("pgbouncer_auth is not built yet"))
}
