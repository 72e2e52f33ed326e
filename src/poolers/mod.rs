//! Poolers: what PgBouncer asks for when a client logs in.
//!
//! Nothing is written and no event recorded: a pooler asks at each login, on followers too, and what it
//! is told logs nobody in. SCRAM's verifier proves that a client knows the password, and does not hold it.

pub mod api;
mod login;

use crate::access;
use crate::catalog::{self, twin, Credential, Twin};
use crate::error::Result;
use crate::pg::{ident, role, time, Oid};
use login::Facts;

/// No role's name is longer.
const LONGEST: usize = 63;

/// The verifier of a username that is good to log in; nothing for any other, unknown ones too.
fn verifier(username: &str) -> Result<Option<String>> {
    if username.len() > LONGEST {
        return Ok(None);
    }
    let Some(role) = ident::role_oid(username) else {
        return Ok(None);
    };
    let Some((credential, twin)) = whose(role)? else {
        return Ok(None);
    };
    match facts(role, username, &credential, twin)? {
        Some(facts) if facts.is_good(time::now()) => role::stored_verifier(role),
        _ => Ok(None),
    }
}

/// The credential whose role this is, or whose twin.
fn whose(role: Oid) -> Result<Option<(Credential, Option<Twin>)>> {
    if let Some(credential) = catalog::by_role(role)? {
        return Ok(Some((credential, None)));
    }
    let Some(credential) = twin::owner(role)? else {
        return Ok(None);
    };
    let twin = twin::of(credential.role)?.filter(|twin| twin.role == role);
    Ok(twin.map(|twin| (credential, Some(twin))))
}

fn facts(
    role: Oid,
    username: &str,
    credential: &Credential,
    twin: Option<Twin>,
) -> Result<Option<Facts>> {
    let Some(found) = role::by_oid(role)? else {
        return Ok(None);
    };
    let renamed = twin.is_some() && username != credential.twin_name();
    Ok(Some(Facts {
        orphaned: renamed || !credential.is_bound() || access::elevated(credential)?.is_some(),
        state: credential.state,
        twin: twin.map(|twin| twin.phase),
        login: found.login,
        valid_until: found.valid_until,
        scram: found.password_encryption.as_deref() == Some("scram-sha-256"),
    }))
}
