//! The functions of specs.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.layout(kind, app, schema, environment)`.
pub fn layout(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("layout is not built yet"))
}

/// `credentials.plan(spec)`.
pub fn plan(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("plan is not built yet"))
}

/// `credentials.apply(spec)`.
pub fn apply(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("apply is not built yet"))
}

/// `credentials.export()`.
pub fn export(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("export is not built yet"))
}

/// `credentials.diagram()`.
pub fn diagram(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("diagram is not built yet"))
}
