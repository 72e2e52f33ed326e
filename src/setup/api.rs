//! `setup()` and `setup_plan()`.

use super::{describe, plan, run, Choice};
use crate::catalog::{self, Credential};
use crate::error::{shown, Result};
use crate::lifecycle::{self, made};
use crate::pg::call::{Answer, Call};
use crate::pg::value::Value;
use crate::pg::{log, Oid};
use crate::repair::rights::Domain;
use crate::vault;
use serde_json::json;

/// `credentials.setup(default_role)`.
pub fn setup(call: &Call) -> Result<Answer> {
    let wanted = call.maybe_text("default_role")?;
    vault::require_usable()?;
    if let Ok(default) = catalog::default_credential() {
        refuse_another(&default, wanted.as_deref())?;
        return Ok(made(&default, None));
    }
    let choice = Choice::decide(wanted.as_deref())?;
    let (default, fresh, stored) = run(&choice)?;
    default.record(call, json!({"role": shown(&default.role_name)}))?;
    let shown_once = fresh.and_then(|f| f.shown_once(stored));
    lifecycle::tell_next(&default, stored, shown_once.is_some());
    log::notice("make a credential with SELECT * FROM credentials.create('analyst')");
    Ok(made(&default, shown_once))
}

/// `credentials.setup_plan(default_role)`.
pub fn setup_plan(call: &Call) -> Result<Answer> {
    let wanted = call.maybe_text("default_role")?;
    if let Ok(default) = catalog::default_credential() {
        refuse_another(&default, wanted.as_deref())?;
        return Ok(Answer::Rows(Vec::new()));
    }
    let choice = Choice::decide(wanted.as_deref())?;
    let domain = Domain::here(Oid::INVALID, choice.name());
    let steps = plan(&choice)?;
    let rows = steps.iter().zip(1..).map(|(step, number)| {
        let (action, object, note) = describe(&domain, step);
        vec![
            Value::Int4(number),
            action.into(),
            object.into(),
            note.into(),
        ]
    });
    Ok(Answer::Rows(rows.collect()))
}

/// Who is default is decided once.
fn refuse_another(default: &Credential, wanted: Option<&str>) -> Result<()> {
    if wanted.is_none_or(|wanted| wanted == default.role_name) {
        return Ok(());
    }
    Err(lifecycle::exists("credential", "default")
        .detail(format!("Its role is \"{}\".", shown(&default.role_name))))
}
