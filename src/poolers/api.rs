//! `pgbouncer_auth(username)`.

use crate::error::Result;
use crate::pg::call::{Answer, Call};

/// `credentials.pgbouncer_auth(username)`.
pub fn pgbouncer_auth(call: &Call) -> Result<Answer> {
    let username = call.text("username")?;
    let found = super::verifier(&username)?;
    let row = |verifier: String| vec![username.as_str().into(), verifier.into()];
    Ok(Answer::Rows(found.map(row).into_iter().collect()))
}
