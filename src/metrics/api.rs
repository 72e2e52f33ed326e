//! SQL functions of this room.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.metrics`.
pub fn metrics(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("metrics is not built yet"))
}
