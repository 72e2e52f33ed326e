//! `credentials.check()`.

use super::finding::Finding;
use crate::error::Result;
use crate::pg::call::{Answer, Call};
use crate::pg::value::Value;

/// `credentials.check()`.
pub fn check(call: &Call) -> Result<Answer> {
    let found = super::all(call.caller.is_superuser())?;
    Ok(Answer::Rows(found.into_iter().map(row).collect()))
}

fn row(finding: Finding) -> Vec<Value> {
    vec![
        finding.code.severity().as_str().into(),
        finding.code.as_str().into(),
        finding.object.into(),
        finding.sentence.into(),
        finding.remedy.into(),
    ]
}
