//! The functions of a credential's life.

use super::{
    adopt as adoption, create as creation, destroy as destruction, settings_json,
    setup as setting_up, store,
};
use super::{check_connection_limit, lease_end, new_name, refuse_default};
use crate::access::{self, Act};
use crate::catalog::{self, Credential, State};
use crate::core::secret::Secret;
use crate::error::{shown, Kind, Result};
use crate::events::{self, Actor};
use crate::jobs::{self, Order, Stage};
use crate::ownership::{self, Scope};
use crate::pg::call::{Answer, Call};
use crate::pg::role::{self, Options};
use crate::pg::value::{at, Type, Value};
use crate::pg::{database, ident, lock, log, time, xact};
use crate::repair::rights::Domain;
use crate::rotation::{self, Applied, Fresh};
use crate::vault;
use serde_json::json;

/// `credentials.setup(default_role)`.
pub fn setup(call: &Call) -> Result<Answer> {
    let wanted = call.maybe_text("default_role")?;
    vault::require_usable()?;
    if let Ok(default) = catalog::default_credential() {
        if wanted.as_deref().is_some_and(|w| w != default.role_name) {
            return Err(super::exists("credential", "default")
                .detail(format!("Its role is \"{}\".", shown(&default.role_name))));
        }
        return Ok(made(&default, None));
    }
    let choice = setting_up::Choice::decide(wanted.as_deref())?;
    let (default, fresh, stored) = setting_up::run(&choice)?;
    record(call, &default, json!({"role": shown(&default.role_name)}))?;
    log::notice("make a credential with SELECT * FROM credentials.create('analyst')");
    Ok(made(&default, fresh.and_then(|f| f.shown_once(stored))))
}

/// `credentials.setup_plan(default_role)`.
pub fn setup_plan(call: &Call) -> Result<Answer> {
    let wanted = call.maybe_text("default_role")?;
    if catalog::default_credential().is_ok() {
        return Ok(Answer::Rows(Vec::new()));
    }
    let choice = setting_up::Choice::decide(wanted.as_deref())?;
    let domain = Domain::here(crate::pg::Oid::INVALID, choice.name());
    let steps = setting_up::plan(&choice)?;
    let rows = steps.iter().enumerate().map(|(i, step)| {
        let (action, object, note) = setting_up::describe(&domain, step);
        vec![ordinal(i), action.into(), object.into(), note.into()]
    });
    Ok(Answer::Rows(rows.collect()))
}

/// `credentials.create(name, …)`.
pub fn create(call: &Call) -> Result<Answer> {
    let name = new_name(&call.text("name")?)?;
    if call.maybe_text("access")?.is_some() {
        return Err(Kind::NotBuilt
            .error("access presets are not built yet")
            .hint("Leave access out, and GRANT to the role."));
    }
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
    creation::lock_counter()?;
    if let (true, Some(existing)) = (if_not_exists, creation::existing(&plan.name)?) {
        return Ok(made(&existing, None));
    }
    let new = creation::create(&plan, &fresh)?;
    record(
        call,
        &new.credential,
        json!({"lease": plan.lease_until.is_some()}),
    )?;
    tell_url(&new.credential, new.stored);
    let shown_once = fresh.shown_once(new.stored);
    Ok(made(&new.credential, shown_once))
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
        apply_configuration(&credential, limit, &changes)?;
        let names: Vec<&str> = changes.iter().map(|c| c.name.as_str()).collect();
        record(
            call,
            &credential,
            json!({"connection_limit": limit, "settings": names}),
        )?;
    }
    let found = role::by_oid(credential.role)?;
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        found.map_or(-1, |r| r.connection_limit).into(),
        store::role_settings(credential.role, database::current())?.into(),
    ]]))
}

fn apply_configuration(
    credential: &Credential,
    limit: Option<i32>,
    changes: &[settings_json::Change],
) -> Result<()> {
    let (role, name) = (credential.role, credential.role_name.as_str());
    if limit.is_some() {
        let options = Options {
            connection_limit: limit,
            ..Options::default()
        };
        xact::subtransaction(|| role::alter(role, name, &options))
            .map_err(|caught| rotation::held(&caught, credential))??;
    }
    let home = ident::database_name(database::current()).unwrap_or_default();
    for change in changes {
        let set = || role::set_setting(role, name, &home, &change.name, change.value.as_deref());
        xact::subtransaction(set).map_err(|caught| {
            if rotation::is_contention(&caught) {
                return rotation::held(&caught, credential);
            }
            Kind::BadArgument
                .error(format!(
                    "the value of \"{}\" is not one that it takes",
                    shown(&change.name)
                ))
                .detail(format!("{}.", shown(&caught.message)))
        })??;
    }
    xact::mark_changed();
    Ok(())
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
    let options = Options {
        login: Some(false),
        ..Options::default()
    };
    let applied = rotation::attempt(&credential, &options)?;
    let mut order = Order::new(
        jobs::Kind::Suspend,
        credential.role,
        &credential.name,
        Stage::Apply,
    );
    if applied == Applied::AtCommit {
        catalog::set_state(credential.role, State::Suspended)?;
        order.stage = Stage::EndSessions;
    }
    order.place(call.caller.effective)?;
    record(
        call,
        &credential,
        json!({"held": applied == Applied::ByWorker}),
    )?;
    Ok(status(&credential, State::Suspended))
}

/// `credentials.resume(name)`.
pub fn resume(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    access::check(&call.caller, &credential, Act::Change)?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(&credential)?;
    rotation::refuse_destroying(&credential)?;
    jobs::call_off_suspensions(credential.role)?;
    if credential.state != State::Suspended {
        return Ok(status(&credential, credential.state));
    }
    let options = Options {
        login: Some(true),
        ..Options::default()
    };
    xact::subtransaction(|| role::alter(credential.role, &credential.role_name, &options))
        .map_err(|caught| rotation::held(&caught, &credential))??;
    catalog::set_state(credential.role, State::Active)?;
    record(call, &credential, json!({}))?;
    Ok(status(&credential, State::Active))
}

/// `credentials.adopt(role, name)`.
pub fn adopt(call: &Call) -> Result<Answer> {
    let role = call.text("role")?;
    let name = call.maybe_text("name")?;
    let credential = adoption::adopt(&call.caller, &role, name.as_deref())?;
    record(call, &credential, json!({"role": shown(&role)}))?;
    log::notice(&format!(
        "its password is not known until SELECT * FROM credentials.rotate('{}', force => true)",
        shown(&credential.name)
    ));
    Ok(Answer::Rows(vec![identity(&credential, credential.state)]))
}

/// `credentials.release(name)`.
pub fn release(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    adoption::release(&credential)?;
    record(call, &credential, json!({}))?;
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
    let (credentials, bound) = adoption::claim()?;
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
        .map(|c| Ok(identity(c, access::seen_state(c)?)));
    Ok(Answer::Rows(rows.collect::<Result<_>>()?))
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
    destruction::refuse_blocked(&credential)?;
    let job = destruction::order(
        &credential,
        jobs::Kind::Destroy,
        heir.role,
        call.caller.effective,
    )?;
    record(
        call,
        &credential,
        json!({"job": job, "reassign_to": shown(&heir.name)}),
    )?;
    log::notice(&format!(
        "follow it with SELECT * FROM credentials.wait('{}')",
        shown(&credential.name)
    ));
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        State::Destroying.as_str().into(),
        job.into(),
    ]]))
}

/// `credentials.destroy_plan(name, reassign_to)`.
pub fn destroy_plan(call: &Call) -> Result<Answer> {
    let credential = catalog::target(&call.text("name")?)?;
    let heir = destruction::heir(&credential, &call.text("reassign_to")?)?;
    let scope = Scope::Role {
        from: credential.role,
        to: heir.role,
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
    xact::subtransaction(|| role::alter(credential.role, &credential.role_name, &options))
        .map_err(|caught| rotation::held(&caught, &credential))??;
    catalog::set_lease(credential.role, until)?;
    xact::mark_work();
    record(
        call,
        &credential,
        json!({"valid_until": time::shown(until)}),
    )?;
    Ok(Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        at(until),
    ]]))
}

fn record(call: &Call, credential: &Credential, detail: serde_json::Value) -> Result<()> {
    let (name, role) = (Some(credential.name.as_str()), Some(credential.role));
    events::record(
        Actor::Caller(&call.caller),
        call.function(),
        name,
        role,
        detail,
    )
}

fn tell_url(credential: &Credential, stored: Option<i64>) {
    let name = shown(&credential.name);
    if stored.is_some() {
        log::notice(&format!(
            "read its URL with SELECT credentials.url('{name}')"
        ));
    } else if !vault::stores_passwords() {
        log::notice("the password is shown here and nowhere else: no key file is set");
    }
}

fn made(credential: &Credential, password: Option<Secret>) -> Answer {
    let mut row = identity(credential, credential.state);
    row.push(password.map_or(Value::Null(Type::Text), |s| s.expose().into()));
    Answer::Rows(vec![row])
}

fn identity(credential: &Credential, state: State) -> Vec<Value> {
    vec![
        credential.name.as_str().into(),
        credential.role_name.as_str().into(),
        state.as_str().into(),
    ]
}

fn status(credential: &Credential, state: State) -> Answer {
    Answer::Rows(vec![vec![
        credential.name.as_str().into(),
        state.as_str().into(),
    ]])
}

/// A step's number, from 1.
pub fn ordinal(index: usize) -> Value {
    Value::Int4(i32::try_from(index + 1).unwrap_or(i32::MAX))
}
