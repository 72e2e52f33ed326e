//! The functions of permissions.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.grant(name, access, schemas)`.
pub fn grant(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("grant is not built yet"))
}

/// `credentials.revoke(name, access, schemas)`.
pub fn revoke(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("revoke is not built yet"))
}
