//! `adopt()`, `release()` and `claim()`.

use crate::access;
use crate::catalog;
use crate::error::{shown, Kind, Result};
use crate::events::{self, Actor};
use crate::pg::call::{Answer, Call};
use crate::pg::{database, ident, log};
use serde_json::json;

/// `credentials.adopt(role, name)`.
pub fn adopt(call: &Call) -> Result<Answer> {
    let role = call.text("role")?;
    let name = call.maybe_text("name")?;
    let credential = super::adopt(&call.caller, &role, name.as_deref())?;
    credential.record(call, json!({"role": shown(&role)}))?;
    log::notice(&format!(
        "its password is not known until SELECT * FROM credentials.rotate('{}', force => true)",
        shown(&credential.name)
    ));
    Ok(Answer::Rows(vec![credential.identity(credential.state)]))
}

/// `credentials.release(name)`.
pub fn release(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    super::release(&credential)?;
    credential.record(call, json!({}))?;
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        credential.role_name.as_str().into(),
    ]]))
}

/// `credentials.claim(confirm)`.
pub fn claim(call: &Call) -> Result<Answer> {
    let confirm = call.text("confirm")?;
    let home = ident::database_name(database::current()).unwrap_or_default();
    if confirm != home {
        return Err(Kind::BadArgument
            .error("claiming must be confirmed with the name of the home database")
            .hint(format!(
                "SELECT * FROM credentials.claim(confirm => '{}');",
                shown(&home)
            )));
    }
    let (credentials, bound) = super::claim()?;
    if bound {
        events::record(
            Actor::Caller(&call.caller),
            "claim",
            None,
            None,
            json!({"credentials": credentials.len()}),
        )?;
    }
    let rows = credentials
        .iter()
        .map(|c| Ok(c.identity(access::seen_state(c)?)));
    Ok(Answer::Rows(rows.collect::<Result<_>>()?))
}
