//! `rotate()`, `rotate_all()` and `set_password()`.

use super::soft::{self, Terms};
use super::supply::Supply;
use super::{force, refuse_destroying, replace, Applied, Fresh};
use crate::access::{self, Act};
use crate::catalog::{self, twin, Credential, State};
use crate::collaborators::{self, Permission};
use crate::core::secret::Secret;
use crate::error::{shown, Error, Kind, Result};
use crate::pg::call::{Answer, Call};
use crate::pg::value::{maybe_at, Span, Time, Type, Value};
use crate::pg::{lock, log, session, time};
use crate::vault;
use serde_json::json;

/// `credentials.rotate(name, force, grace, overlap)`.
pub fn rotate(call: &Call) -> Result<Answer> {
    let wanted = Wanted::read(call)?;
    let credential = catalog::target(&call.text("name")?)?;
    let is_limited = refuse_telling(call, &credential)?;
    let row = rotate_one(call, &credential, &wanted, &mut Supply::of(1)?)?;
    if !is_limited {
        tell_where(Some(&credential));
    }
    Ok(Answer::Rows(vec![row]))
}

/// `credentials.rotate_all(force, grace, overlap, older_than)`.
pub fn rotate_all(call: &Call) -> Result<Answer> {
    let wanted = Wanted::read(call)?;
    let older_than = call.maybe_span("older_than")?;
    if older_than.is_some_and(|span| span.nominal_micros() < 0) {
        return Err(Kind::BadArgument
            .error("argument \"older_than\" must not be negative")
            .hint("SELECT * FROM credentials.rotate_all(older_than => '90 days');"));
    }
    let mut due = catalog::all()?;
    due.retain(|credential| !rotated_since(credential, older_than));
    let rotatable = |state| matches!(state, State::Active | State::Lingering);
    let mut supply = Supply::of(due.iter().filter(|c| rotatable(c.state)).count())?;
    let mut rows = Vec::new();
    for credential in due {
        let state = access::seen_state(&credential)?;
        if rotatable(state) {
            rows.push(rotate_one(call, &credential, &wanted, &mut supply)?);
        } else {
            rows.push(row_in(&credential, state, None, None));
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
    if credential.state == State::Rotating {
        return Err(refuse_rotating(&credential));
    }
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
    terms: Terms,
}

impl Wanted {
    fn read(call: &Call) -> Result<Wanted> {
        let wanted = Wanted {
            force: call.bool("force")?,
            terms: Terms {
                overlap: call.maybe_span("overlap")?,
                grace: call.maybe_span("grace")?,
            },
        };
        wanted.terms.check()?;
        Ok(wanted)
    }
}

fn rotated_since(credential: &Credential, older_than: Option<Span>) -> bool {
    let since = credential.rotated_at.unwrap_or(credential.created_at);
    older_than.is_some_and(|span| i128::from(time::now() - since) < span.nominal_micros())
}

fn rotate_one(
    call: &Call,
    credential: &Credential,
    wanted: &Wanted,
    supply: &mut Supply,
) -> Result<Vec<Value>> {
    if wanted.force {
        access::check(&call.caller, credential, Act::Retire)?;
        rotate_by_force(call, credential, supply.fresh()?)
    } else {
        access::check(&call.caller, credential, Act::Change)?;
        rotate_softly(call, credential, wanted, supply)
    }
}

fn rotate_by_force(call: &Call, credential: &Credential, fresh: Fresh) -> Result<Vec<Value>> {
    refuse_destroying(credential)?;
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
    let password = if is_own(call, credential)? {
        fresh.into_secret()
    } else {
        fresh.shown_once(stored)
    };
    Ok(row(&catalog::reread(credential)?, None, password))
}

/// In place where nobody is connected and nobody asked for an overlap, else with a twin.
fn rotate_softly(
    call: &Call,
    credential: &Credential,
    wanted: &Wanted,
    supply: &mut Supply,
) -> Result<Vec<Value>> {
    lock::credential(credential.role)?;
    // Who held it may have taken it from the caller's app, or the caller's permissions.
    collaborators::admit(call)?;
    let credential = &catalog::reread(credential)?;
    refuse_unready(credential)?;
    let fresh = supply.fresh()?;
    if wanted.terms.without_overlap() && connections(credential)? == 0 {
        let stored = replace(credential, &fresh)?;
        credential.record(call, json!({"force": false}))?;
        return Ok(row(credential, None, fresh.shown_once(stored)));
    }
    supply.rules()?.refuse_exact(credential)?;
    let begun = soft::begin(credential, &fresh, &wanted.terms, call.caller.effective)?;
    let credential = &catalog::reread(credential)?;
    let deadline = time::shown(begun.deadline);
    credential.record(call, json!({"force": false, "deadline": deadline}))?;
    if credential.is_default() && call.function() == "rotate" {
        log::notice("the old password of the default credential stays good for a while: if it has leaked, SELECT * FROM credentials.rotate('default', force => true)");
    }
    let password = if is_own(call, credential)? {
        fresh.into_secret()
    } else {
        fresh.shown_once(begun.stored)
    };
    Ok(row(credential, Some(begun.deadline), password))
}

/// Refuses what a soft rotation cannot begin with (55006).
fn refuse_unready(credential: &Credential) -> Result<()> {
    refuse_destroying(credential)?;
    let name = shown(&credential.name);
    match credential.state {
        State::Suspended => Err(Kind::InUse
            .error(format!("credential \"{name}\" is suspended"))
            .hint(format!("SELECT * FROM credentials.resume('{name}');"))),
        State::Rotating => Err(refuse_rotating(credential)),
        _ => Ok(()),
    }
}

/// The error up to the cut-over of a rotation (55006).
fn refuse_rotating(credential: &Credential) -> Error {
    let name = shown(&credential.name);
    Kind::InUse
        .error(format!("credential \"{name}\" is rotating"))
        .detail("Its old password is still good, until the cut-over.")
        .hint(format!(
            "SELECT * FROM credentials.wait('{name}'); or at once: SELECT * FROM credentials.rotate('{name}', force => true);"
        ))
}

/// Sessions under any username of the credential.
fn connections(credential: &Credential) -> Result<usize> {
    let twin = twin::of(credential.role)?.map(|t| t.role);
    let all = session::all();
    let own = all
        .iter()
        .filter(|s| s.client && (s.role == credential.role || Some(s.role) == twin));
    Ok(own.count())
}

/// Refuses a collaborator where the result would tell a password that he may not read (55000). Tells whether the
/// caller is one.
fn refuse_telling(call: &Call, credential: &Credential) -> Result<bool> {
    let Some(limits) = collaborators::limits(call)? else {
        return Ok(false);
    };
    if vault::stores_passwords()
        || is_own(call, credential)?
        || limits.roles(Permission::Deploy)?.contains(&credential.role)
    {
        return Ok(true);
    }
    Err(Kind::NotReady
        .error("no key file keeps the new password")
        .detail("The result would tell it, and the caller has no deploy on an app that has the credential.")
        .hint("Set credential_manager.key_file in postgresql.conf and reload."))
}

/// Whether the caller logged in as the credential that it rotates, and so cannot come back to ask. A function that
/// runs with a collaborator's rights is not told what whoever called it may know.
fn is_own(call: &Call, credential: &Credential) -> Result<bool> {
    let own_code = call.caller.effective == call.caller.outer;
    if !own_code && collaborators::limits(call)?.is_some() {
        return Ok(false);
    }
    let own = session::by_pid(session::own_pid()).map_or(call.caller.session, |s| s.role);
    let twin = twin::of(credential.role)?;
    Ok(own == credential.role || twin.is_some_and(|t| t.role == own))
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

fn row(credential: &Credential, deadline: Option<Time>, password: Option<Secret>) -> Vec<Value> {
    row_in(credential, credential.state, deadline, password)
}

fn row_in(
    credential: &Credential,
    state: State,
    deadline: Option<Time>,
    password: Option<Secret>,
) -> Vec<Value> {
    let mut row = credential.identity(state);
    row.extend([maybe_at(deadline), told(password)]);
    row
}
