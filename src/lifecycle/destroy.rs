//! Destroying: what is checked before, what happens at commit. The rest is the worker's.

use super::store;
use crate::access;
use crate::attachments;
use crate::catalog::{self, Credential, State};
use crate::error::{shown, Error, Kind, Result};
use crate::events::{self, About, Actor};
use crate::jobs::{self, Order, Stage};
use crate::ownership::{self, Item};
use crate::pg::role::Options;
use crate::pg::{database, ident, session, xact, Oid};
use crate::rotation::{self, Applied};
use crate::vault;
use serde_json::json;

/// The role that gets what a destroyed credential owned: always a checked non-superuser.
pub fn heir(credential: &Credential, raw: &str) -> Result<Credential> {
    let heir = catalog::target(raw)?;
    if heir.role == credential.role {
        return Err(Kind::BadArgument
            .error("a credential cannot inherit from itself")
            .hint("reassign_to => 'default'"));
    }
    // Default is a member of every credential, so of what the one that goes has been given too.
    if !heir.is_bound() || access::elevation(heir.role, Some(credential.role))?.is_some() {
        return Err(Kind::Denied
            .error(format!(
                "credential \"{}\" cannot own what is moved",
                shown(&heir.name)
            ))
            .detail("It is orphaned: its role was replaced, or holds what no credential may."));
    }
    rotation::refuse_destroying(&heir)?;
    Ok(heir)
}

/// Refuses without the right confirmation, with what is at stake.
pub fn require_confirm(credential: &Credential, confirm: Option<&str>) -> Result<()> {
    let home = ident::database_name(database::current()).unwrap_or_default();
    if confirm == Some(home.as_str()) {
        return Ok(());
    }
    let (owned, granted) = store::holdings(credential.role)?;
    let sessions = session::of_role(credential.role).len();
    let apps = attachments::apps_of(credential.role)?.len();
    Err(Kind::BadArgument
        .error(format!("destroying credential \"{}\" must be confirmed", shown(&credential.name)))
        .detail(format!(
            "It owns {owned} objects, holds rights on {granted}, has {sessions} sessions and is attached to {apps} apps."
        ))
        .hint(format!(
            "SELECT * FROM credentials.destroy('{}', confirm => '{}');",
            shown(&credential.name),
            shown(&home)
        )))
}

/// Refuses where something is known to keep the role from going (2BP01).
pub fn refuse_blocked(credential: &Credential) -> Result<()> {
    let blockers = ownership::blockers(credential.role)?;
    if blockers.is_empty() {
        return Ok(());
    }
    Err(blocked(credential, &blockers))
}

fn blocked(credential: &Credential, blockers: &[Item]) -> Error {
    let first: Vec<String> = blockers
        .iter()
        .take(5)
        .map(|b| {
            format!(
                "{} {} in database {}",
                b.kind,
                shown(&b.object),
                shown(&b.database)
            )
        })
        .collect();
    let more = match blockers.len() {
        0..=5 => String::new(),
        n => format!("; and {} more", n - 5),
    };
    Kind::Blocked
        .error(format!(
            "credential \"{}\" owns what only a superuser may own",
            shown(&credential.name)
        ))
        .detail(format!("{}{more}.", first.join("; ")))
        .hint(format!(
            "SELECT * FROM credentials.destroy_plan('{}');",
            shown(&credential.name)
        ))
}

/// Closes the role in the caller's transaction, or leaves that to the worker where it is held, and
/// orders the rest. Gives the job's number.
pub fn order(credential: &Credential, kind: jobs::Kind, heir: Oid, by: Oid) -> Result<i64> {
    let mut order = Order::new(kind, credential.role, &credential.name, Stage::Apply);
    order.reassign_to = Some(heir);
    if close(credential)? == Applied::AtCommit {
        order.stage = Stage::EndSessions;
    }
    order.place(by)
}

/// NOLOGIN, no verifier, no stored password, state `destroying`. Under the lock that attach() takes nobody may have
/// attached it meanwhile; where that is not to be had, what its holder attached goes with the credential.
pub fn close(credential: &Credential) -> Result<Applied> {
    let applied = rotation::attempt(credential, |now| {
        attachments::refuse_attached(now)?;
        rotation::overrule(now, &closed())
    })?;
    if applied == Applied::AtCommit {
        note_closed(credential.role)?;
    }
    Ok(applied)
}

/// What a destroyed role is left with.
pub fn closed() -> Options<'static> {
    Options {
        login: Some(false),
        verifier: Some(None),
        ..Options::default()
    }
}

/// The catalog's side of a closed role. What a lease that ends is attached to loses its variable: it would hold
/// a URL that nobody can tell.
pub fn note_closed(role: Oid) -> Result<()> {
    for gone in attachments::of_role(role)? {
        let name = catalog::by_role(role)?.map(|c| c.name);
        let about = About {
            name: name.as_deref(),
            role: Some(role),
            app: Some(&gone.app),
        };
        let detail = json!({"config_var": gone.config_var, "reason": "destroyed"});
        events::record_about(Actor::Worker, "detach", about, detail)?;
    }
    attachments::forget(role)?;
    catalog::set_state(role, State::Destroying)?;
    catalog::set_secret(role, None)?;
    vault::forget_others(role, &[])?;
    xact::force_sync_commit();
    Ok(())
}
