//! The reports' functions.

use super::{privileges, why};
use crate::catalog;
use crate::error::Result;
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
pub fn why(call: &Call) -> Result<Answer> {
    let (object, privilege) = (call.text("object")?, call.text("privilege")?);
    let name = call.maybe_text("name")?;
    let only = name.map(|name| catalog::target(&name)).transpose()?;
    let chains = why::why(&object, &privilege, only.as_ref(), &catalog::all()?)?;
    let rows = chains.into_iter().flat_map(|chain| {
        let steps = chain.steps.into_iter().zip(1_i32..);
        steps.map(move |(step, number)| {
            vec![
                chain.name.as_str().into(),
                number.into(),
                step.via.into(),
                step.detail.into(),
            ]
        })
    });
    Ok(Answer::Rows(rows.collect()))
}
