//! The reports' functions.

use super::privileges;
use crate::catalog;
use crate::error::{Kind, Result};
use crate::pg::call::{Answer, Call};
use crate::pg::Oid;

/// `credentials.table_privileges(name)`.
pub fn table_privileges(call: &Call) -> Result<Answer> {
    let only = role(call)?;
    Ok(Answer::Stream(Box::new(move |sink| {
        privileges::of_tables(sink, only)
    })))
}

/// `credentials.schema_privileges(name)`.
pub fn schema_privileges(call: &Call) -> Result<Answer> {
    let only = role(call)?;
    Ok(Answer::Stream(Box::new(move |sink| {
        privileges::of_schemas(sink, only)
    })))
}

/// The role of the credential that was asked for, where one was.
fn role(call: &Call) -> Result<Option<Oid>> {
    let name = call.maybe_text("name")?;
    name.map(|name| Ok(catalog::target(&name)?.role))
        .transpose()
}

/// `credentials.why(object, privilege, name)`.
pub fn why(_call: &Call) -> Result<Answer> {
    Err(Kind::NotBuilt.error("why is not built yet"))
}
