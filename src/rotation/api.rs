//! `rotate()`, `rotate_all()` and `set_password()`.

use super::{force, refuse_destroying, replace, Applied, Fresh};
use crate::access::{self, Act};
use crate::catalog::{self, Credential, State};
use crate::core::secret::Secret;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::call::{Answer, Call};
use crate::pg::value::{Span, Type, Value};
use crate::pg::{lock, log, session, time};
use crate::vault;
use serde_json::json;

/// `credentials.rotate(name, force, grace, overlap)`.
pub fn rotate(call: &Call) -> Result<Answer> {
    let wanted = Wanted::read(call)?;
    let credential = catalog::target(&call.text("name")?)?;
    let row = rotate_one(call, &credential, &wanted)?;
    tell_where(Some(&credential));
    Ok(Answer::Rows(vec![row]))
}

/// `credentials.rotate_all(force, grace, overlap, older_than)`.
pub fn rotate_all(call: &Call) -> Result<Answer> {
    let wanted = Wanted::read(call)?;
    let older_than = call.maybe_span("older_than")?;
    refuse_negative("older_than", older_than)?;
    let mut rows = Vec::new();
    for credential in catalog::all()? {
        if rotated_since(&credential, older_than) {
            continue;
        }
        let state = access::seen_state(&credential)?;
        if state == State::Active {
            rows.push(rotate_one(call, &credential, &wanted)?);
        } else {
            rows.push(row(&credential, state, None));
        }
    }
    if !rows.is_empty() {
        tell_where(None);
    }
    Ok(Answer::Rows(rows))
}

/// `credentials.set_password(name, password)`.
pub fn set_password(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    if credential.is_default() {
        access::require_superuser(&call.caller, "setting the default credential's password")?;
    }
    access::check(&call.caller, &credential, Act::Change)?;
    let fresh = Fresh::chosen_or_generated(call.maybe_text("password")?)?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(&credential)?;
    refuse_destroying(&credential)?;
    let stored = replace(&credential, &fresh)?;
    credential.record(call, json!({}))?;
    let shown_once = fresh.shown_once(stored);
    if stored.is_some() || shown_once.is_some() {
        tell_where(Some(&credential));
    }
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        told(shown_once),
    ]]))
}

/// What a rotation was asked to be.
struct Wanted {
    force: bool,
    overlap: Option<Span>,
}

impl Wanted {
    fn read(call: &Call) -> Result<Wanted> {
        let wanted = Wanted {
            force: call.bool("force")?,
            overlap: call.maybe_span("overlap")?,
        };
        refuse_negative("grace", call.maybe_span("grace")?)?;
        refuse_negative("overlap", wanted.overlap)?;
        Ok(wanted)
    }

    /// Whether the caller, or the setting, asks for the old password to end at once.
    fn without_overlap(&self) -> bool {
        match self.overlap {
            Some(overlap) => overlap.nominal_micros() == 0,
            None => crate::settings::rotation_overlap() == 0,
        }
    }
}

fn refuse_negative(argument: &str, span: Option<Span>) -> Result<()> {
    match span {
        Some(span) if span.nominal_micros() < 0 => Err(Kind::BadArgument
            .error(format!("argument \"{argument}\" must not be negative"))
            .hint("SELECT * FROM credentials.rotate('analyst', overlap => '0');")),
        _ => Ok(()),
    }
}

fn rotated_since(credential: &Credential, older_than: Option<Span>) -> bool {
    let since = credential.rotated_at.unwrap_or(credential.created_at);
    older_than.is_some_and(|span| i128::from(time::now() - since) < span.nominal_micros())
}

fn rotate_one(call: &Call, credential: &Credential, wanted: &Wanted) -> Result<Vec<Value>> {
    if wanted.force {
        access::check(&call.caller, credential, Act::Retire)?;
        rotate_by_force(call, credential)
    } else {
        access::check(&call.caller, credential, Act::Change)?;
        rotate_where_unused(call, credential, wanted)
    }
}

fn rotate_by_force(call: &Call, credential: &Credential) -> Result<Vec<Value>> {
    refuse_destroying(credential)?;
    let fresh = Fresh::generate()?;
    let (applied, stored) = force(credential, &fresh, call.caller.effective)?;
    credential.record(
        call,
        json!({"force": true, "held": applied == Applied::ByWorker}),
    )?;
    if applied == Applied::ByWorker {
        log::notice(&format!(
            "another transaction holds the role of credential \"{}\": it is ended, and the new password comes into force, after the commit; see SELECT * FROM credentials.wait('{}')",
            shown(&credential.name),
            shown(&credential.name)
        ));
    }
    let password = if is_own(call, credential) {
        fresh.into_secret()
    } else {
        fresh.shown_once(stored)
    };
    Ok(row(credential, credential.state, password))
}

fn rotate_where_unused(
    call: &Call,
    credential: &Credential,
    wanted: &Wanted,
) -> Result<Vec<Value>> {
    if !wanted.without_overlap() {
        return Err(not_built(
            credential,
            "The old password would have to stay good for a while.",
        ));
    }
    lock::credential(credential.role)?;
    let credential = &catalog::reread(credential)?;
    refuse_destroying(credential)?;
    if credential.state == State::Suspended {
        return Err(Kind::InUse
            .error(format!(
                "credential \"{}\" is suspended",
                shown(&credential.name)
            ))
            .hint(format!(
                "SELECT * FROM credentials.resume('{}');",
                shown(&credential.name)
            )));
    }
    let sessions = session::of_role(credential.role).len();
    if sessions > 0 {
        return Err(not_built(
            credential,
            &format!("The credential has {sessions} sessions."),
        ));
    }
    let fresh = Fresh::generate()?;
    let stored = replace(credential, &fresh)?;
    credential.record(call, json!({"force": false}))?;
    Ok(row(credential, credential.state, fresh.shown_once(stored)))
}

fn not_built(credential: &Credential, why: &str) -> Error {
    let name = shown(&credential.name);
    Kind::NotBuilt
        .error("a rotation with overlap is not built yet")
        .detail(why)
        .hint(format!(
            "SELECT * FROM credentials.rotate('{name}', overlap => '0') where no session is left, or SELECT * FROM credentials.rotate('{name}', force => true), which ends the sessions."
        ))
}

/// Whether the caller logged in as the credential that it rotates, and so cannot come back to ask.
fn is_own(call: &Call, credential: &Credential) -> bool {
    session::by_pid(session::own_pid()).map_or(call.caller.session, |s| s.role) == credential.role
}

/// What a person needs next: where the new password, or all of them, can be read.
fn tell_where(credential: Option<&Credential>) {
    if !vault::stores_passwords() {
        log::notice("new passwords are shown here and nowhere else: no key file is set");
    } else if let Some(credential) = credential {
        let name = shown(&credential.name);
        log::notice(&format!(
            "read its URL with SELECT credentials.url('{name}')"
        ));
    } else {
        log::notice(
            "read their URLs with SELECT name, credentials.url(name) FROM credentials.list()",
        );
    }
}

fn told(secret: Option<Secret>) -> Value {
    secret.map_or(Value::Null(Type::Text), |s| s.expose().into())
}

fn row(credential: &Credential, state: State, password: Option<Secret>) -> Vec<Value> {
    vec![
        credential.name.as_str().into(),
        credential.role_name.as_str().into(),
        state.as_str().into(),
        Value::Null(Type::Time),
        told(password),
    ]
}
