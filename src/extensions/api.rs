//! `credentials.install_extension(…)`.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.install_extension(extension, schema, version)`.
pub fn install_extension(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("install_extension is not built yet"))
}
