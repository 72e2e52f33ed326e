//! The reports' functions.

use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};

/// `credentials.table_privileges(name)`.
pub fn table_privileges(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("table_privileges is not built yet"))
}

/// `credentials.schema_privileges(name)`.
pub fn schema_privileges(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("schema_privileges is not built yet"))
}

/// `credentials.why(object, privilege, name)`.
pub fn why(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("why is not built yet"))
}
