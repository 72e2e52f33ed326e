//! `grant()` and `revoke()`.

use super::{listed, scope, Access, Given};
use crate::access::{self, Act};
use crate::catalog::{self, Credential};
use crate::error::{shown, Result};
use crate::pg::call::{Answer, Call};
use crate::pg::value::{Type, Value};
use crate::pg::{lock, log};
use crate::tenants;
use serde_json::json;

/// `credentials.grant(name, access, schemas)`.
pub fn grant(call: &Call) -> Result<Answer> {
    let access = Access::parse(&call.text("access")?)?;
    let words = call.texts("schemas")?;
    let credential = target(call)?;
    let scopes = scope::resolve(&words)?;
    super::check(&call.caller, access, &scopes)?;
    let credential = locked(&credential)?;
    let given = super::grant(&call.caller, &credential, access, &scopes)?;
    tenants::refuse_ways_round(credential.role)?;
    let changed: Vec<Given> = given.iter().filter(|g| g.changed).cloned().collect();
    if !changed.is_empty() {
        let jobs: Vec<i64> = changed.iter().filter_map(|g| g.job).collect();
        let detail = json!({"access": access.as_str(), "schemas": listed(&changed), "jobs": jobs});
        credential.record(call, detail)?;
        tell_next(&credential, &jobs);
    }
    let row = |g: &Given| {
        vec![
            credential.name.as_str().into(),
            g.schema.as_str().into(),
            access.as_str().into(),
            word(g.was),
        ]
    };
    Ok(Answer::Rows(given.iter().map(row).collect()))
}

/// `credentials.revoke(name, access, schemas)`.
pub fn revoke(call: &Call) -> Result<Answer> {
    let access = call
        .maybe_text("access")?
        .map(|word| Access::parse(&word))
        .transpose()?;
    let words = call.maybe_texts("schemas")?;
    let credential = target(call)?;
    let scopes = words.map(|words| scope::resolve(&words)).transpose()?;
    let credential = locked(&credential)?;
    let taken = super::revoke(&credential, access, scopes.as_deref())?;
    if !taken.is_empty() {
        credential.record(call, json!({"schemas": listed(&taken)}))?;
    }
    let row = |t: &Given| {
        vec![
            credential.name.as_str().into(),
            t.schema.as_str().into(),
            word(t.was),
        ]
    };
    Ok(Answer::Rows(taken.iter().map(row).collect()))
}

/// The credential that is meant; default has no preset.
fn target(call: &Call) -> Result<Credential> {
    let credential = catalog::target(&call.text("name")?)?;
    super::refuse_default(&credential)?;
    access::check(&call.caller, &credential, Act::Change)?;
    Ok(credential)
}

fn locked(credential: &Credential) -> Result<Credential> {
    lock::credential(credential.role)?;
    let credential = catalog::reread(credential)?;
    access::refuse_destroying(&credential)?;
    Ok(credential)
}

fn word(access: Option<Access>) -> Value {
    access.map_or(Value::Null(Type::Text), |a| a.as_str().into())
}

/// What a person needs next.
fn tell_next(credential: &Credential, jobs: &[i64]) {
    let name = shown(&credential.name);
    match jobs {
        [] => log::notice(&format!(
            "see what it may do with SELECT * FROM credentials.table_privileges('{name}')"
        )),
        _ => log::notice(&format!(
            "what is in the schema goes to its group by a job: follow it with SELECT * FROM credentials.wait('{name}')"
        )),
    }
}
