//! A new credential: a role that is new to the cluster, and what it needs to log in.

use super::{exists, refuse_beyond_limit, refuse_taken, store};
use crate::catalog::{self, Credential, State};
use crate::core::name::Name;
use crate::error::{shown, Kind, Result};
use crate::pg::grant::{self, Membership, Target};
use crate::pg::role::{self, Options};
use crate::pg::value::Time;
use crate::pg::{database, endow, ident, time, xact, Oid};
use crate::rotation::{self, Fresh};

/// What a new credential is to be.
pub struct Plan {
    /// Its name, which is its role's name too.
    pub name: Name,
    /// When it ends by itself.
    pub lease_until: Option<Time>,
    /// Sessions at most; nothing for no limit.
    pub connection_limit: Option<i32>,
    /// Whether it can log in at once.
    pub login: bool,
}

/// What was made.
pub struct Made {
    /// The credential.
    pub credential: Credential,
    /// The row of its stored password.
    pub stored: Option<i64>,
}

/// The credential that bears the name already, where the caller allows for one.
pub fn existing(name: &Name) -> Result<Option<Credential>> {
    Ok(catalog::find_folded(name.as_str())?.filter(|c| c.name == name.as_str()))
}

/// Makes the role and its row. The counter's lock is held until the end of the transaction, so that
/// the limit holds however many try at once.
pub fn create(plan: &Plan, fresh: &Fresh) -> Result<Made> {
    let default = catalog::default_credential()?;
    refuse_taken(plan.name.as_str())?;
    refuse_beyond_limit()?;
    let role = make_role(plan, fresh)?;
    give_connect(plan.name.as_str())?;
    grant::set_membership(plan.name.as_str(), &default.role_name, Membership::Admin);
    let state = if plan.login {
        State::Active
    } else {
        State::Suspended
    };
    let name = plan.name.as_str();
    catalog::insert(role, name, name, state, plan.lease_until, Some(time::now()))?;
    let stored = fresh.store(role)?;
    catalog::set_secret(role, stored)?;
    xact::mark_changed();
    if plan.lease_until.is_some() {
        xact::mark_work();
    }
    xact::force_sync_commit();
    let credential = catalog::by_role(role)?
        .ok_or_else(|| Kind::Internal.error("a credential that was made is not there"))?;
    Ok(Made { credential, stored })
}

fn make_role(plan: &Plan, fresh: &Fresh) -> Result<Oid> {
    let until = plan.lease_until.map(time::for_node).transpose()?;
    let name = plan.name.as_str();
    let verifier = fresh.verifier.expose();
    let options = Options {
        login: Some(plan.login),
        // Where only the caller knows the password, the server sees to it that it is not the empty one.
        verifier: (!fresh.is_known()).then_some(Some(verifier)),
        connection_limit: plan.connection_limit,
        valid_until: until.as_deref(),
        plain: true,
    };
    let make = || {
        let role = role::create(name, &options)?;
        if fresh.is_known() {
            endow::endow(role, name, verifier, plan.lease_until)?;
        }
        Ok(role)
    };
    let role = match xact::subtransaction(make) {
        Ok(made) => made?,
        // Somebody's plain CREATE ROLE of the same name was faster: the server says either.
        Err(caught) if matches!(caught.sqlstate.as_str(), "42710" | "23505") => {
            return Err(exists("role", name))
        }
        // What a module of the server that checks passwords says.
        Err(caught) if caught.sqlstate == "22023" => {
            return Err(Kind::BadArgument
                .error("the server's check of passwords refused the password")
                .detail(format!("{}.", shown(&caught.message))))
        }
        Err(caught) => return Err(rotation::unexpected(&caught)),
    };
    if role::stored_verifier(role)?.as_deref() != Some(verifier) {
        return Err(Kind::Internal.error("the server stored another verifier than it was given"));
    }
    Ok(role)
}

/// Gives a role CONNECT on the home database, unless it has it by name.
pub fn give_connect(role_name: &str) -> Result<()> {
    let home = database::current();
    let has = match ident::role_oid(role_name) {
        Some(role) => store::has_connect_by_name(role, home)?,
        None => false,
    };
    if !has {
        let name = ident::database_name(home).unwrap_or_default();
        let target = Target::Database(&name);
        // Others write the same access list: the worker where a role goes, a DBA by hand.
        xact::persistently(|| {
            grant::set_privileges(true, &["connect"], target, Some(role_name), false);
            Ok(())
        })
        .map_err(|caught| match caught.is_contention() {
            true => Kind::Timeout
                .error("somebody else changes rights on the database")
                .hint("Call again."),
            false => rotation::unexpected(&caught),
        })??;
    }
    Ok(())
}
