//! SQL functions of this room.

use super::{callable, limits, Collaboration, Outcome, Permissions};
use crate::core::app;
use crate::error::{shown, Result};
use crate::events::{self, About, Actor};
use crate::pg::call::{Answer, Call};
use crate::pg::value::Value;
use crate::pg::{database, ident, log, xact};
use serde_json::json;

/// `credentials.add_collaborator(collaborator, app, permissions)`.
pub fn add_collaborator(call: &Call) -> Result<Answer> {
    let (name, app) = whom(call)?;
    let permissions = Permissions::parse(&call.texts("permissions")?)?;
    begin(call)?;
    let giver = limits(call)?;
    let outcome = super::add(giver.as_ref(), &name, &app, permissions)?;
    finish(call, &name, &app, permissions, &outcome)?;
    let home = ident::database_name(database::current()).unwrap_or_default();
    log::notice(&format!(
        "in database \"{}\" role \"{}\" may now call {}",
        shown(&home),
        shown(&name),
        callable(permissions)
    ));
    Ok(Answer::Rows(vec![row(&name, &app, permissions)]))
}

/// `credentials.update_collaborator(collaborator, app, permissions)`.
pub fn update_collaborator(call: &Call) -> Result<Answer> {
    let (name, app) = whom(call)?;
    let permissions = Permissions::parse(&call.texts("permissions")?)?;
    begin(call)?;
    let giver = limits(call)?;
    let outcome = super::update(giver.as_ref(), &name, &app, permissions)?;
    finish(call, &name, &app, permissions, &outcome)?;
    Ok(Answer::Rows(vec![row(&name, &app, permissions)]))
}

/// `credentials.remove_collaborator(collaborator, app)`.
pub fn remove_collaborator(call: &Call) -> Result<Answer> {
    let (name, app) = whom(call)?;
    begin(call)?;
    let taker = limits(call)?;
    let was = super::remove(taker.as_ref(), &name, &app)?;
    let outcome = Outcome { was, changed: true };
    finish(call, &name, &app, Permissions::default(), &outcome)?;
    Ok(Answer::Rows(vec![row(&name, &app, was)]))
}

/// `credentials.collaborators(app)`: those that are who they were when they were added.
pub fn collaborators(call: &Call) -> Result<Answer> {
    let app = call.maybe_text("app")?;
    app.as_deref().map(app::check_app).transpose()?;
    let limits = limits(call)?;
    let shows = |c: &Collaboration| {
        app.as_ref().is_none_or(|app| c.app == *app)
            && limits.as_ref().is_none_or(|l| l.sees_app(&c.app))
            && c.is_bound()
    };
    let all = super::all()?;
    let shown = all.iter().filter(|c| shows(c));
    Ok(Answer::Rows(
        shown
            .map(|c| row(&c.role_name, &c.app, c.permissions))
            .collect(),
    ))
}

fn whom(call: &Call) -> Result<(String, String)> {
    let (name, app) = (call.text("collaborator")?, call.text("app")?);
    app::check_app(&app)?;
    Ok((name, app))
}

/// Nobody else changes permissions from here on, the caller's own among them: he is asked once more.
fn begin(call: &Call) -> Result<()> {
    super::hold(limits(call)?.is_none())?;
    super::admit(call)
}

fn finish(call: &Call, name: &str, app: &str, now: Permissions, outcome: &Outcome) -> Result<()> {
    if !outcome.changed {
        return Ok(());
    }
    let detail = json!({
        "collaborator": shown(name),
        "permissions": now.words(),
        "was": outcome.was.words(),
    });
    let about = About {
        app: Some(app),
        ..About::default()
    };
    xact::mark_changed();
    events::record_about(Actor::Caller(&call.caller), call.function(), about, detail)
}

fn row(name: &str, app: &str, permissions: Permissions) -> Vec<Value> {
    vec![
        name.into(),
        app.into(),
        Value::TextArray(permissions.words()),
    ]
}
