//! `metrics()`.

use super::figure::Figure;
use crate::error::Result;
use crate::pg::call::{Answer, Call};

/// `credentials.metrics()`.
pub fn metrics(_call: &Call) -> Result<Answer> {
    let figures = super::gather()?;
    Ok(Answer::Rows(
        figures.into_iter().map(Figure::into_row).collect(),
    ))
}
