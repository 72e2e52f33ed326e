//! `list()` and `usernames()`.

use super::state::UsernameState;
use super::{all, read_only, target, Credential, State};
use crate::access;
use crate::error::Result;
use crate::pg::call::{Answer, Call};
use crate::pg::logins;
use crate::pg::role;
use crate::pg::session::{self, Session};
use crate::pg::value::{at, maybe_at, Time, Value};
use serde_json::json;

/// `credentials.list()`.
pub fn list(_call: &Call) -> Result<Answer> {
    let sessions = session::all();
    let readers = read_only()?;
    let noted = logins::noted();
    let credentials = all()?;
    let rows = credentials.iter().map(|credential| {
        let role = role::by_oid(credential.role)?;
        let own = of(credential, &sessions);
        let ended = noted.iter().filter(|(role, _)| *role == credential.role);
        let latest = own
            .iter()
            .map(|s| s.started)
            .chain(ended.map(|(_, at)| *at))
            .max();
        Ok(vec![
            credential.name.as_str().into(),
            credential.role_name.as_str().into(),
            access::seen_state(credential)?.as_str().into(),
            Value::TextArray(Vec::new()),
            json!({}).into(),
            readers.contains(&credential.role).into(),
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

/// `credentials.usernames(name)`.
pub fn usernames(call: &Call) -> Result<Answer> {
    let wanted = match call.maybe_text("name")? {
        Some(name) => vec![target(&name)?],
        None => all()?,
    };
    let sessions = session::all();
    let rows = wanted.iter().map(|credential| {
        let own = of(credential, &sessions);
        vec![
            credential.name.as_str().into(),
            credential.role_name.as_str().into(),
            username_state(credential.state).as_str().into(),
            count(&own),
            maybe_at(oldest(&own)),
        ]
    });
    Ok(Answer::Rows(rows.collect()))
}

/// The state of a credential's own role name: revoking where the name is closed or closing.
fn username_state(state: State) -> UsernameState {
    match state {
        State::Suspended | State::Destroying | State::Rotating => UsernameState::Revoking,
        _ => UsernameState::Active,
    }
}

fn of(credential: &Credential, sessions: &[Session]) -> Vec<Session> {
    sessions
        .iter()
        .filter(|s| s.client && s.role == credential.role)
        .copied()
        .collect()
}

fn count(sessions: &[Session]) -> Value {
    Value::Int4(i32::try_from(sessions.len()).unwrap_or(i32::MAX))
}

fn oldest(sessions: &[Session]) -> Option<Time> {
    sessions.iter().map(|s| s.started).min()
}
