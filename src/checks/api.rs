//! `credentials.check()`.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.check()`.
pub fn check(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("check is not built yet"))
}
