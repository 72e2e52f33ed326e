//! The functions of a credential's life.

use super::{check_connection_limit, lease_end, made, new_name, refuse_default, tell_next};
use super::{
    configuration, create as creation, destroy as destruction, settings_json, standing, store,
};
use crate::access::{self, Act};
use crate::attachments;
use crate::catalog::{self, Credential, State};
use crate::collaborators;
use crate::error::{shown, Kind, Result};
use crate::jobs;
use crate::ownership::{self, Scope as Estate};
use crate::permissions::{self, Access, Scope};
use crate::pg::call::{Answer, Call};
use crate::pg::role::{self, Options};
use crate::pg::value::{at, Type, Value};
use crate::pg::{database, lock, log, time, xact};
use crate::rotation::{self, Applied, Fresh};
use crate::vault;
use serde_json::json;

/// `credentials.create(name, …)`.
pub fn create(call: &Call) -> Result<Answer> {
    let name = new_name(&call.text("name")?)?;
    let preset = preset(call)?;
    let limit = call.maybe_int4("connection_limit")?;
    check_connection_limit(limit)?;
    let plan = creation::Plan {
        lease_until: call.maybe_span("valid_for")?.map(lease_end).transpose()?,
        connection_limit: limit,
        login: call.bool("login")?,
        name,
    };
    let if_not_exists = call.bool("if_not_exists")?;
    let fresh = Fresh::chosen_or_generated(call.maybe_text("password")?)?;
    vault::require_usable()?;
    collaborators::hold_counter(collaborators::limits(call)?.is_none())?;
    collaborators::admit(call)?;
    let maker = collaborators::limits(call)?;
    if let (true, Some(existing)) = (if_not_exists, creation::existing(&plan.name)?) {
        if let Some(maker) = &maker {
            if !maker.knows(existing.role)? {
                return Err(super::exists("credential", &existing.name));
            }
        }
        let mut row = existing.identity(access::seen_state(&existing)?);
        row.push(Value::Null(Type::Text));
        return Ok(Answer::Rows(vec![row]));
    }
    let new = creation::create(&plan, &fresh)?;
    let mut detail = json!({"lease": plan.lease_until.is_some()});
    if let Some((access, scopes)) = &preset {
        let given = permissions::grant(&call.caller, &new.credential, *access, scopes)?;
        detail["access"] = json!(access.as_str());
        detail["schemas"] = json!(permissions::listed(&given));
    }
    collaborators::note_made(maker.as_ref(), &new.credential)?;
    new.credential.record(call, detail)?;
    let shown_once = fresh.shown_once(new.stored);
    match &maker {
        None => tell_next(&new.credential, new.stored, shown_once.is_some()),
        Some(_) => log::notice(&format!(
            "give it to an app that you manage: SELECT * FROM credentials.attach('{}', app => '...')",
            shown(&new.credential.name)
        )),
    }
    Ok(made(&new.credential, shown_once))
}

/// The preset that a new credential is to have, and where.
fn preset(call: &Call) -> Result<Option<(Access, Vec<Scope>)>> {
    // Read even where nothing is made of it: a NULL is a mistake of the caller's all the same.
    let words = call.texts("schemas")?;
    let Some(word) = call.maybe_text("access")? else {
        return Ok(None);
    };
    let access = Access::parse(&word)?;
    let scopes = permissions::scope::resolve(&words)?;
    permissions::check(&call.caller, access, &scopes)?;
    Ok(Some((access, scopes)))
}

/// `credentials.configure(name, connection_limit, settings)`.
pub fn configure(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    let limit = call.maybe_int4("connection_limit")?;
    check_connection_limit(limit)?;
    let changes = match call.maybe_json("settings")? {
        Some(settings) => settings_json::parse(&settings)?,
        None => Vec::new(),
    };
    if credential.is_default() {
        access::require_superuser(&call.caller, "configuring the default credential")?;
    }
    access::check(&call.caller, &credential, Act::Change)?;
    settings_json::check_known(&changes)?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(&credential)?;
    rotation::refuse_destroying(&credential)?;
    if limit.is_some() || !changes.is_empty() {
        configuration::apply(&credential, limit, &changes)?;
        let names: Vec<&str> = changes.iter().map(|c| c.name.as_str()).collect();
        credential.record(call, json!({"connection_limit": limit, "settings": names}))?;
    }
    let found = role::by_oid(credential.role)?;
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        found.map_or(-1, |r| r.connection_limit).into(),
        store::role_settings(credential.role, database::current())?.into(),
    ]]))
}

/// `credentials.suspend(name)`.
pub fn suspend(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    refuse_default(&credential, "suspended")?;
    access::check(&call.caller, &credential, Act::Retire)?;
    rotation::refuse_destroying(&credential)?;
    if credential.state == State::Suspended {
        return Ok(status(&credential, State::Suspended));
    }
    let applied = standing::suspend(&credential, call.caller.effective)?;
    credential.record(call, json!({"held": applied == Applied::ByWorker}))?;
    Ok(status(&credential, State::Suspended))
}

/// `credentials.resume(name)`.
pub fn resume(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    access::check(&call.caller, &credential, Act::Change)?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(&credential)?;
    rotation::refuse_destroying(&credential)?;
    standing::resume(&credential)?;
    if credential.state != State::Suspended {
        return Ok(status(&credential, credential.state));
    }
    credential.record(call, json!({}))?;
    Ok(status(&credential, State::Active))
}

/// `credentials.destroy(name, confirm, reassign_to)`.
pub fn destroy(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    let confirm = call.maybe_text("confirm")?;
    let raw_heir = call.text("reassign_to")?;
    refuse_default(&credential, "destroyed")?;
    let bound = credential.is_bound();
    if bound {
        access::check(&call.caller, &credential, Act::Retire)?;
    } else {
        access::require_superuser(&call.caller, "destroying an orphaned credential")?;
        return Err(access::unbound(&credential));
    }
    rotation::refuse_destroying(&credential)?;
    let heir = destruction::heir(&credential, &raw_heir)?;
    destruction::require_confirm(&credential, confirm.as_deref())?;
    let limits = collaborators::limits(call)?;
    if limits.is_some() {
        // Nobody else's destroy waits; but who holds it may be giving it to an app that is not the caller's.
        lock::credential(credential.role)?;
        collaborators::admit(call)?;
    }
    attachments::refuse_attached(&credential)?;
    destruction::refuse_blocked(&credential)?;
    let job = destruction::order(
        &credential,
        jobs::Kind::Destroy,
        heir.role,
        call.caller.effective,
    )?;
    credential.record(call, json!({"job": job, "reassign_to": shown(&heir.name)}))?;
    if limits.is_none() {
        log::notice(&format!(
            "follow it with SELECT * FROM credentials.wait('{}')",
            shown(&credential.name)
        ));
    }
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        State::Destroying.as_str().into(),
        job.into(),
    ]]))
}

/// `credentials.destroy_plan(name, reassign_to)`.
pub fn destroy_plan(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    access::check(&call.caller, &credential, Act::Retire)?;
    let heir = destruction::heir(&credential, &call.text("reassign_to")?)?;
    let scope = Estate::Role {
        from: credential.role,
        to: heir.role,
        alike: false,
    };
    Ok(Answer::Rows(ownership::rows(&ownership::plan(&scope)?)))
}

/// `credentials.extend(name, valid_for)`.
pub fn extend(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    let until = lease_end(call.span("valid_for")?)?;
    access::check(&call.caller, &credential, Act::Change)?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(&credential)?;
    rotation::refuse_destroying(&credential)?;
    if credential.lease_until.is_none() {
        return Err(Kind::BadArgument
            .error(format!(
                "credential \"{}\" is not a lease",
                shown(&credential.name)
            ))
            .detail("It was made without valid_for and does not end by itself."));
    }
    let text = time::for_node(until)?;
    let options = Options {
        valid_until: Some(&text),
        ..Options::default()
    };
    xact::subtransaction(|| {
        role::alter(credential.role, &credential.role_name, &options)?;
        rotation::twin::follow(&credential, &options)
    })
    .map_err(|caught| rotation::held(&caught, &credential))??;
    catalog::set_lease(credential.role, until)?;
    xact::mark_work();
    credential.record(call, json!({"valid_until": time::shown(until)}))?;
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        at(until),
    ]]))
}

fn status(credential: &Credential, state: State) -> Answer {
    Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        state.as_str().into(),
    ]])
}
