//! Who is let in: what a call names is read, and the matrix is asked.

use super::gate::{self, Asked, Gate, Target};
use super::standing::{limits, reaches_default, Limits};
use crate::attachments;
use crate::catalog::{self, Credential};
use crate::core::{app, name};
use crate::error::{shown, Error, Kind, Result};
use crate::events;
use crate::pg::call::Call;
use crate::vault;

/// Refuses a collaborator's call that his permissions do not cover (42501). Everybody else is let in.
pub fn admit(call: &Call) -> Result<()> {
    let Some(gate) = gate::of(call.function()) else {
        return Ok(());
    };
    let Some(limits) = limits(call)? else {
        return Ok(());
    };
    let asked = asked(call, &limits)?;
    if !gate.lets(&limits.rights, &asked) {
        return Err(denied(gate, &asked));
    }
    if call.function() == "create" && !vault::stores_passwords() {
        return Err(Kind::NotReady
            .error("a collaborator can make a credential only where a key file keeps passwords")
            .detail("credential_manager.key_file is empty, so the result would tell the password to who may not know it.")
            .hint("Set credential_manager.key_file in postgresql.conf and reload."));
    }
    Ok(())
}

/// What a call names. Names of apps are judged as the function itself does.
fn asked(call: &Call, limits: &Limits) -> Result<Asked> {
    let mut asked = Asked::default();
    match call.function() {
        "attachments" | "collaborators" => {
            asked.app = call.maybe_text("app")?;
        }
        "usernames" => {
            let name = call.maybe_text("name")?;
            asked.credential = name.map(|name| named(&name, limits)).transpose()?;
        }
        // A credential that is gone has events still, those of an app among them.
        "events" => {
            let name = call.maybe_text("name")?;
            let name = name.map(|name| (catalog::find(&name), name));
            asked.credential = match name {
                None => None,
                Some((Ok(Some(there)), _)) => Some(target(limits, &there)?),
                Some((Ok(None), gone)) if events::names(&gone, &limits.rights.apps())? => None,
                Some((found, _)) => found.map(|_| Some(Target::default()))?,
            };
        }
        "connection_info" | "rotate" => {
            asked.credential = Some(named(&call.text("name")?, limits)?);
        }
        "attach" => {
            asked.app = Some(call.text("app")?);
            asked.credential = Some(named(&call.text("name")?, limits)?);
        }
        "detach" => {
            let app = call.text("app")?;
            let variable = attachments::find(&call.text("config_var")?, &app).ok();
            let credential = variable.map(|v| catalog::by_role(v.role)).transpose()?;
            let credential = credential.flatten();
            asked.credential = credential.map(|c| target(limits, &c)).transpose()?;
            asked.app = Some(app);
        }
        "create" => {
            asked.beyond =
                call.maybe_text("access")?.is_some() || call.maybe_text("password")?.is_some();
        }
        "destroy" => {
            asked.credential = Some(named(&call.text("name")?, limits)?);
            asked.other_heir = !name::is_default_target(&call.text("reassign_to")?);
        }
        "config_vars" | "add_collaborator" | "update_collaborator" | "remove_collaborator" => {
            asked.app = Some(call.text("app")?);
        }
        _ => {}
    }
    if let Some(app) = &asked.app {
        app::check_app(app)?;
    }
    Ok(asked)
}

/// The credential of a name. One that is not there is as one that no app of his has: he is not told which of
/// the two it is.
fn named(name: &str, limits: &Limits) -> Result<Target> {
    match catalog::find(name)? {
        Some(there) => target(limits, &there),
        None => Ok(Target::default()),
    }
}

fn target(limits: &Limits, credential: &Credential) -> Result<Target> {
    Ok(Target {
        is_default: reaches_default(credential.role)?,
        apps: attachments::apps_of(credential.role)?,
        former: attachments::former_apps(credential.role)?,
        is_own: limits.has_made(credential.role)?,
    })
}

fn denied(gate: &Gate, asked: &Asked) -> Error {
    let what = match &asked.app {
        Some(app) => format!("{} for app \"{}\"", gate.function, shown(app)),
        None => gate.function.to_owned(),
    };
    let default = match &asked.credential {
        Some(credential) if credential.is_default => {
            "; the default credential is no app's, nor is a member of its role"
        }
        _ => "",
    };
    Kind::Denied
        .error(format!("the caller's permissions do not cover {what}"))
        .detail(format!("It takes {}{default}.", gate.takes))
        .hint("SELECT * FROM credentials.collaborators();")
}
