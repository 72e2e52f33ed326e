//! `list()` and `usernames()`.

use super::state::UsernameState;
use super::{all, target, twin, Credential, Phase, State, Twin};
use crate::access;
use crate::attachments::{self, Attachment};
use crate::collaborators::{self, Permission};
use crate::error::Result;
use crate::permissions::member::{self, Held};
use crate::permissions::Access;
use crate::pg::call::{Answer, Call};
use crate::pg::logins;
use crate::pg::role;
use crate::pg::session::{self, Session};
use crate::pg::value::{at, maybe_at, Time, Value};
use crate::pg::{ident, replication, Oid};
use crate::reports;
use serde_json::json;

/// `credentials.list()`.
pub fn list(call: &Call) -> Result<Answer> {
    let sessions = session::all();
    let noted = logins::noted();
    let twins = twin::all()?;
    let held = member::held()?;
    let credentials = seen(call)?;
    let attachments = seen_attachments(call)?;
    let roles: Vec<Oid> = credentials.iter().map(|c| c.role).collect();
    let readers = reports::read_only(&roles)?;
    let rows = credentials.iter().map(|credential| {
        let role = role::by_oid(credential.role)?;
        let twin = twins.iter().find(|t| t.base == credential.role);
        let is_own = |role: Oid| role == credential.role || twin.is_some_and(|t| t.role == role);
        let mut own = sessions.clone();
        own.retain(|s| s.client && is_own(s.role));
        let ended = noted.iter().filter(|(role, _)| is_own(*role));
        let latest = own
            .iter()
            .map(|s| s.started)
            .chain(ended.map(|(_, at)| *at))
            .max();
        let attached = attachments.iter().filter(|a| a.role == credential.role);
        let attached = attached.map(Attachment::word);
        // Default administers every group; that is no preset of its own.
        let held = held
            .get(&credential.role)
            .filter(|_| !credential.is_default());
        Ok(vec![
            credential.name.as_str().into(),
            credential.username().into(),
            access::seen_state(credential)?.as_str().into(),
            Value::TextArray(attached.collect()),
            access_of(held),
            (readers.contains(&credential.role) && !may_write(credential, held)).into(),
            credential.is_default().into(),
            count(&own),
            role.as_ref().map_or(-1, |r| r.connection_limit).into(),
            role.as_ref()
                .and_then(|r| r.password_encryption.clone())
                .into(),
            maybe_at(role.as_ref().and_then(|r| r.valid_until)),
            at(credential.created_at),
            maybe_at(credential.rotated_at),
            maybe_at(latest.max(credential.last_login_at)),
        ])
    });
    Ok(Answer::Rows(rows.collect::<Result<_>>()?))
}

/// The credentials that the caller sees: a collaborator those of his apps.
fn seen(call: &Call) -> Result<Vec<Credential>> {
    let mut credentials = all()?;
    if let Some(limits) = collaborators::limits(call)? {
        let roles = limits.roles(Permission::View)?;
        credentials.retain(|c| roles.contains(&c.role));
    }
    Ok(credentials)
}

/// The attachments that the caller sees, of whichever credential.
fn seen_attachments(call: &Call) -> Result<Vec<Attachment>> {
    let mut attachments = attachments::all()?;
    if let Some(limits) = collaborators::limits(call)? {
        attachments.retain(|a| limits.sees_app(&a.app));
    }
    Ok(attachments)
}

/// What a credential has by presets: `{"shop": "read_write", "*": "read_only"}`.
fn access_of(held: Option<&Held>) -> Value {
    let words = held.into_iter().flatten();
    let words = words.map(|(schema, access)| (schema.clone(), json!(access.as_str())));
    serde_json::Value::Object(words.collect()).into()
}

/// Whether it writes what is not there yet: default owns what it makes, and a schema of a preset may be empty.
fn may_write(credential: &Credential, held: Option<&Held>) -> bool {
    credential.is_default()
        || held.is_some_and(|held| held.values().any(|access| *access > Access::ReadOnly))
}

/// `credentials.usernames(name)`.
pub fn usernames(call: &Call) -> Result<Answer> {
    let wanted = match call.maybe_text("name")? {
        Some(name) => vec![target(&name)?],
        None => seen(call)?,
    };
    let sessions = session::all();
    let twins = twin::all()?;
    let mut rows = Vec::new();
    for credential in &wanted {
        rows.push(username(
            credential,
            &credential.role_name,
            username_state(credential.state),
            of(credential.role, &sessions),
        ));
        for twin in twins.iter().filter(|t| t.base == credential.role) {
            let name = ident::role_name(twin.role).unwrap_or_else(|| credential.twin_name());
            let own = of(twin.role, &sessions);
            rows.push(username(credential, &name, twin_state(twin)?, own));
        }
    }
    Ok(Answer::Rows(rows))
}

fn username(
    credential: &Credential,
    name: &str,
    state: UsernameState,
    own: Vec<Session>,
) -> Vec<Value> {
    vec![
        credential.name.as_str().into(),
        name.into(),
        state.as_str().into(),
        count(&own),
        maybe_at(oldest(&own)),
    ]
}

/// The state of a credential's own role name: revoking where the name is closed or closing.
fn username_state(state: State) -> UsernameState {
    match state {
        State::Suspended | State::Destroying | State::Rotating => UsernameState::Revoking,
        _ => UsernameState::Active,
    }
}

/// The state of a twin's name: enabling while a standby has yet to replay it.
fn twin_state(twin: &Twin) -> Result<UsernameState> {
    Ok(match twin.phase {
        Phase::Draining if is_everywhere(twin)? => UsernameState::Active,
        Phase::Draining => UsernameState::Enabling,
        Phase::Lingering | Phase::Retiring => UsernameState::Retiring,
        Phase::Ended => UsernameState::Revoking,
    })
}

/// Whether every standby has replayed the twin. Before the worker has looked where the log has it, no
/// standby can be known to.
fn is_everywhere(twin: &Twin) -> Result<bool> {
    const NOWHERE_YET: &str = "FFFFFFFF/FFFFFFFF";
    replication::is_replayed(twin.committed.as_deref().unwrap_or(NOWHERE_YET))
}

fn of(role: Oid, sessions: &[Session]) -> Vec<Session> {
    sessions
        .iter()
        .filter(|s| s.client && s.role == role)
        .copied()
        .collect()
}

fn count(sessions: &[Session]) -> Value {
    Value::Int4(i32::try_from(sessions.len()).unwrap_or(i32::MAX))
}

fn oldest(sessions: &[Session]) -> Option<Time> {
    sessions.iter().map(|s| s.started).min()
}
