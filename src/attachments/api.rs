//! SQL functions of this room.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.attach`.
pub fn attach(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("attach is not built yet"))
}

/// `credentials.detach`.
pub fn detach(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("detach is not built yet"))
}

/// `credentials.attachments`.
pub fn attachments(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("attachments is not built yet"))
}

/// `credentials.config_vars`.
pub fn config_vars(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("config_vars is not built yet"))
}

/// `credentials.set_endpoint`.
pub fn set_endpoint(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("set_endpoint is not built yet"))
}

/// `credentials.drop_endpoint`.
pub fn drop_endpoint(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("drop_endpoint is not built yet"))
}

/// `credentials.endpoints`.
pub fn endpoints(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("endpoints is not built yet"))
}
