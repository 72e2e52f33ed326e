//! `url()`, `connection_info()` and `reseal()`.

use super::{get_with, reseal as seal_anew};
use crate::access::{self, Act};
use crate::attachments::endpoint;
use crate::catalog::{self, Credential};
use crate::collaborators;
use crate::core::secret::Secret;
use crate::core::url::{self, Endpoint, Target};
use crate::error::{shown, Kind, Result};
use crate::events::{self, Actor};
use crate::pg::call::{Answer, Call};
use crate::pg::{database, ident, log};
use serde_json::json;

/// `credentials.url(name, endpoint)`.
pub fn url(call: &Call) -> Result<Answer> {
    let told = tell(call)?;
    let text = url::url(&told.target());
    Ok(Answer::One(text.as_str().into()))
}

/// `credentials.connection_info(name, endpoint)`.
pub fn connection_info(call: &Call) -> Result<Answer> {
    let told = tell(call)?;
    let target = told.target();
    Ok(Answer::Rows(vec![vec![
        told.credential.name.as_str().into(),
        told.username.as_str().into(),
        told.endpoint.host.clone().into(),
        i32::from(told.endpoint.port).into(),
        told.database.as_str().into(),
        told.endpoint.sslmode.as_str().into(),
        url::conninfo(&target).as_str().into(),
        url::url(&target).as_str().into(),
        url::jdbc_url(&target).as_str().into(),
    ]]))
}

/// `credentials.reseal()`.
pub fn reseal(call: &Call) -> Result<Answer> {
    if !super::stores_passwords() {
        return Err(Kind::NotReady
            .error("no key file is set")
            .detail("credential_manager.key_file is empty.")
            .hint("Set credential_manager.key_file in postgresql.conf and reload."));
    }
    let mut rows = Vec::new();
    for credential in catalog::all()? {
        crate::pg::lock::credential(credential.role)?;
        let credential = catalog::reread(&credential)?;
        if seal_anew(&credential)? {
            let actor = Actor::Caller(&call.caller);
            events::record(
                actor,
                "reseal",
                Some(&credential.name),
                Some(credential.role),
                json!({}),
            )?;
            rows.push(vec![credential.name.as_str().into()]);
        }
    }
    Ok(Answer::Rows(rows))
}

/// All that a client is told.
struct Told {
    credential: Credential,
    username: String,
    secret: Option<Secret>,
    database: String,
    endpoint: Endpoint,
}

impl Told {
    fn target(&self) -> Target<'_> {
        Target {
            username: &self.username,
            password: self.secret.as_ref(),
            database: &self.database,
            endpoint: &self.endpoint,
        }
    }
}

/// Looks up, authorises, opens and records; nothing is told where any of it fails.
fn tell(call: &Call) -> Result<Told> {
    let credential = catalog::target(&call.text("name")?)?;
    let endpoint = endpoint::find(&call.text("endpoint")?)?;
    access::check(&call.caller, &credential, Act::Tell)?;
    let is_limited = collaborators::limits(call)?.is_some();
    let (credential, secret) = match is_limited {
        true => (credential, None),
        false => get_with(credential)?,
    };
    if is_limited {
        log::notice("the password is left out: config_vars() tells it, to who has deploy");
    } else if secret.is_none() {
        log::notice(&format!(
            "no password of credential \"{}\" is stored: rotate it to have one",
            shown(&credential.name)
        ));
    } else {
        let actor = Actor::Caller(&call.caller);
        let (name, role) = (Some(credential.name.as_str()), Some(credential.role));
        events::record(actor, call.function(), name, role, json!({}))?;
    }
    if endpoint.host.is_none() {
        log::notice("credential_manager.host is empty: the URL has no host");
    }
    Ok(Told {
        username: credential.username(),
        database: ident::database_name(database::current()).unwrap_or_default(),
        credential,
        secret,
        endpoint,
    })
}
