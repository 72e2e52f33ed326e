//! `attach()`, `detach()`, `attachments()`, `config_vars()`, and the endpoints.

use super::{endpoint, find, store, Attachment};
use crate::access::{self, Act};
use crate::catalog::{self, Credential};
use crate::collaborators::{self, Permission};
use crate::core::app;
use crate::core::url::{self, Endpoint, Target};
use crate::error::Result;
use crate::events::{self, About, Actor};
use crate::pg::call::{Answer, Call};
use crate::pg::value::{at, Type, Value};
use crate::pg::{database, ident, lock, log, xact};
use crate::vault;
use serde_json::json;

/// `credentials.attach(name, app, as_name, endpoint)`.
pub fn attach(call: &Call) -> Result<Answer> {
    let to = app_of(call)?;
    let as_name = call.maybe_text("as_name")?;
    let variable = as_name.as_deref().map(app::named_variable).transpose()?;
    let endpoint = call.text("endpoint")?;
    let credential = catalog::target(&call.text("name")?)?;
    access::check(&call.caller, &credential, Act::Tell)?;
    lock::credential(credential.role)?;
    // Who held it may have given it to another app, or taken the caller's permissions.
    collaborators::admit(call)?;
    let credential = catalog::reread(&credential)?;
    access::refuse_destroying(&credential)?;
    let variable = super::attach(&credential, &to, variable, &endpoint)?;
    let detail = json!({"config_var": variable, "endpoint": endpoint});
    record(call, Some(&credential), &to, detail)?;
    xact::mark_changed();
    let limits = collaborators::limits(call)?;
    if limits.is_none_or(|l| l.rights.on(&to).has(Permission::Deploy)) {
        log::notice(&format!(
            "read its value with SELECT * FROM credentials.config_vars('{to}')"
        ));
    }
    Ok(Answer::Rows(vec![vec![
        to.into(),
        variable.into(),
        credential.name.into(),
        endpoint.into(),
    ]]))
}

/// `credentials.detach(config_var, app)`.
pub fn detach(call: &Call) -> Result<Answer> {
    let from = app_of(call)?;
    let written = call.text("config_var")?;
    lock_held(&written, &from)?;
    collaborators::admit(call)?;
    let gone = super::detach(&written, &from)?;
    let credential = catalog::by_role(gone.role)?;
    let detail = json!({"config_var": gone.config_var});
    record(call, credential.as_ref(), &from, detail)?;
    xact::mark_changed();
    Ok(Answer::Rows(vec![vec![
        gone.app.into(),
        gone.config_var.into(),
        credential.map(|c| c.name).into(),
    ]]))
}

/// Locks the credential that a variable holds, which comes before the app in the lock order: the variable then
/// holds it until the end of the transaction. Who had the lock before may have put another one there.
fn lock_held(written: &str, of: &str) -> Result<()> {
    let mut meant = find(written, of)?.role;
    loop {
        lock::credential(meant)?;
        let now = find(written, of)?.role;
        if now == meant {
            return Ok(());
        }
        meant = now;
    }
}

/// `credentials.attachments(app)`.
pub fn attachments(call: &Call) -> Result<Answer> {
    let mut there = match call.maybe_text("app")? {
        Some(app) => {
            app::check_app(&app)?;
            store::of_app(&app)?
        }
        None => store::all()?,
    };
    if let Some(limits) = collaborators::limits(call)? {
        there.retain(|a| limits.sees_app(&a.app));
    }
    let credentials = catalog::all()?;
    let row = |a: Attachment| {
        let credential = credentials.iter().find(|c| c.role == a.role);
        vec![
            a.app.into(),
            a.config_var.into(),
            credential.map(|c| c.name.clone()).into(),
            a.endpoint.into(),
            at(a.attached_at),
        ]
    };
    Ok(Answer::Rows(there.into_iter().map(row).collect()))
}

/// `credentials.config_vars(app)`.
pub fn config_vars(call: &Call) -> Result<Answer> {
    let of = app_of(call)?;
    let there = store::of_app(&of)?;
    let is_limited = collaborators::limits(call)?.is_some();
    let mut rows = Vec::new();
    let mut told = Vec::new();
    for attachment in &there {
        let Some(credential) = catalog::by_role(attachment.role)? else {
            continue;
        };
        if is_limited && collaborators::reaches_default(credential.role)? {
            log::notice(&format!(
                "{} is left out: a password that opens what default may do is told to no collaborator",
                attachment.config_var
            ));
            continue;
        }
        access::check(&call.caller, &credential, Act::Tell)?;
        let value = value_of(attachment, credential)?;
        rows.push(vec![attachment.config_var.as_str().into(), value]);
        told.push(attachment.config_var.as_str());
    }
    if !told.is_empty() {
        record(call, None, &of, json!({"config_vars": told}))?;
    }
    Ok(Answer::Rows(rows))
}

/// The URL that a config variable holds now.
fn value_of(attachment: &Attachment, credential: Credential) -> Result<Value> {
    let endpoint = endpoint::find(&attachment.endpoint)?;
    let (credential, secret) = vault::get_with(credential)?;
    let secret = secret.ok_or_else(|| vault::not_stored(&credential))?;
    if endpoint.host.is_none() {
        log::notice("credential_manager.host is empty: the URL has no host");
    }
    let username = credential.username();
    let database = ident::database_name(database::current()).unwrap_or_default();
    let url = url::url(&Target {
        username: &username,
        password: Some(&secret),
        database: &database,
        endpoint: &endpoint,
    });
    Ok(url.as_str().into())
}

/// `credentials.set_endpoint(endpoint, host, port, sslmode)`.
pub fn set_endpoint(call: &Call) -> Result<Answer> {
    let name = call.text("endpoint")?;
    let (host, port) = (call.text("host")?, call.int4("port")?);
    let (set, is_new) = endpoint::set(&name, &host, port, &call.text("sslmode")?)?;
    if is_new {
        let detail = json!({"endpoint": name, "host": host, "port": port, "sslmode": set.sslmode});
        events::record(
            Actor::Caller(&call.caller),
            call.function(),
            None,
            None,
            detail,
        )?;
    }
    Ok(Answer::Rows(vec![row(&name, &set)]))
}

/// `credentials.drop_endpoint(endpoint)`.
pub fn drop_endpoint(call: &Call) -> Result<Answer> {
    let name = call.text("endpoint")?;
    let gone = endpoint::drop(&name)?;
    let detail = json!({"endpoint": name});
    events::record(
        Actor::Caller(&call.caller),
        call.function(),
        None,
        None,
        detail,
    )?;
    Ok(Answer::Rows(vec![row(&name, &gone)]))
}

/// `credentials.endpoints()`.
pub fn endpoints(_call: &Call) -> Result<Answer> {
    let all = endpoint::all()?;
    Ok(Answer::Rows(
        all.iter().map(|(name, e)| row(name, e)).collect(),
    ))
}

fn row(name: &str, endpoint: &Endpoint) -> Vec<Value> {
    let host = endpoint.host.clone();
    vec![
        name.into(),
        host.map_or(Value::Null(Type::Text), Value::Text),
        i32::from(endpoint.port).into(),
        endpoint.sslmode.as_str().into(),
    ]
}

/// The app that a call is about.
fn app_of(call: &Call) -> Result<String> {
    let app = call.text("app")?;
    app::check_app(&app)?;
    Ok(app)
}

fn record(
    call: &Call,
    credential: Option<&Credential>,
    app: &str,
    detail: serde_json::Value,
) -> Result<()> {
    let about = About {
        name: credential.map(|c| c.name.as_str()),
        role: credential.map(|c| c.role),
        app: Some(app),
    };
    events::record_about(Actor::Caller(&call.caller), call.function(), about, detail)
}
