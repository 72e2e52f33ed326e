//! One step is done. What it is done to is looked up again under its lock.

use crate::access::{self, Act};
use crate::attachments;
use crate::catalog::{self, Credential};
use crate::core::secret::Secret;
use crate::error::{shown, Error, Kind, Result};
use crate::lifecycle::{self, configuration, create, settings_json, standing};
use crate::permissions::{self, make, takeover, GroupKind};
use crate::pg::acl::{self, rights, Right, Target};
use crate::pg::authority::Caller;
use crate::pg::call::Call;
use crate::pg::grant::{self, Membership};
use crate::pg::owner::Class;
use crate::pg::{ident, lock, log, schema, Oid};
use crate::rotation::supply::Supply;
use crate::specs::present::{Object, ObjectIs, Scope};
use crate::specs::spec::GroupName;
use crate::specs::step::{Owner, Step};
use crate::tenants;

/// Does one step; gives the password of a credential that was made, where it is shown this once.
pub(super) fn run(call: &Call, step: &Step, passwords: &mut Supply) -> Result<Option<Secret>> {
    let caller = &call.caller;
    match step {
        Step::NewSchema { schema, owner } => new_schema(caller, schema, owner)?,
        Step::OwnSchema { schema, owner, .. } => own(caller, schema, owner)?,
        Step::CloseSchema { oid, .. } => {
            let all = rights::USAGE | rights::CREATE;
            acl::take_from(whole(Class::Schema, *oid), acl::PUBLIC, all)?;
        }
        Step::NewGroup { group, scope, .. } => {
            make::ensure(caller, &place(scope)?, group.kind, Some(&group.role()))?;
        }
        Step::Create {
            name,
            connection_limit,
            login,
        } => return made(name, *connection_limit, *login, passwords),
        Step::Share(step) => tenants::apply(step, caller)?,
        Step::Attach(step) => {
            attachments::apply(&locked(caller, &step.after.credential, Act::Tell)?, step)?
        }
        _ => to_credential(caller, step)?,
    }
    Ok(None)
}

/// Does a step to a credential that is there.
fn to_credential(caller: &Caller, step: &Step) -> Result<()> {
    let Some(name) = step.credential() else {
        return Err(Kind::Internal.error("a step without a credential"));
    };
    let held = locked(caller, name, Act::Change)?;
    match step {
        Step::Configure {
            connection_limit,
            settings,
            ..
        } => configuration::apply(&held, *connection_limit, &settings_json::changes(settings))?,
        Step::Suspend { .. } => {
            standing::suspend(&held, caller.effective)?;
        }
        Step::Resume { .. } => standing::resume(&held)?,
        Step::Grant { access, scope, .. } => {
            permissions::grant(caller, &held, *access, &[place(scope)?])?;
        }
        Step::Revoke { scope, .. } => {
            permissions::revoke(&held, None, Some(&[place(scope)?]))?;
        }
        Step::UseSchema { schema, .. } => {
            let target = whole(Class::Schema, there(schema)?);
            acl::give_missing(target, &[right(held.role, rights::USAGE)])?;
        }
        Step::GiveTable { oid, rights, .. } => {
            acl::give_missing(whole(Class::Relation, *oid), &[right(held.role, *rights)])?;
        }
        Step::Take { object, rights, .. } => {
            acl::take_from(target(object), held.role, *rights)?;
        }
        Step::Join { role, .. } => join(&held, role)?,
        Step::Leave { role, .. } => leave(&held, role)?,
        Step::Deputise { .. } => deputise(&held)?,
        _ => return Err(Kind::Internal.error("a step that is not done here")),
    }
    Ok(())
}

/// A schema is made as default's, and goes to its group with the making of that.
fn new_schema(caller: &Caller, name: &str, owner: &Owner) -> Result<()> {
    let default = catalog::default_credential()?;
    schema::create(name, default.role, &default.role_name)?;
    if let Owner::Group(group) = owner {
        make::ensure(
            caller,
            &in_schema(name)?,
            GroupKind::Owner,
            Some(&group.role()),
        )?;
    }
    Ok(())
}

/// A schema goes to its group at once, what is in it by a job.
fn own(caller: &Caller, name: &str, owner: &GroupName) -> Result<()> {
    let scope = in_schema(name)?;
    let group = make::ensure(caller, &scope, GroupKind::Owner, Some(&owner.role()))?.group;
    takeover::schema(&group)?;
    let default = catalog::default_credential()?;
    if takeover::order(caller, &default, &group)?.is_some() {
        log::notice("what is in the schema goes to its group by a job: follow it with SELECT * FROM credentials.wait()");
    }
    Ok(())
}

fn made(
    name: &str,
    connection_limit: Option<i32>,
    login: bool,
    passwords: &mut Supply,
) -> Result<Option<Secret>> {
    let fresh = passwords.fresh()?;
    let plan = create::Plan {
        name: lifecycle::new_name(name)?,
        lease_until: None,
        connection_limit,
        login,
    };
    let new = create::create(&plan, &fresh)?;
    let shown_once = fresh.shown_once(new.stored);
    lifecycle::tell_next(&new.credential, new.stored, shown_once.is_some());
    Ok(shown_once)
}

/// A credential as it is under its lock.
fn locked(caller: &Caller, name: &str, act: Act) -> Result<Credential> {
    let credential = catalog::target(name)?;
    lock::credential(credential.role)?;
    let credential = catalog::reread(&credential)?;
    access::refuse_destroying(&credential)?;
    access::check(caller, &credential, act)?;
    Ok(credential)
}

/// Makes a credential a member of a role. The node goes by names: what it hit must be what was meant.
fn join(credential: &Credential, role: &str) -> Result<()> {
    let meant = ident::role_oid(role).ok_or_else(|| moved(role))?;
    grant::set_membership(role, &credential.role_name, Membership::Member);
    let hit = crate::pg::role::is_direct_member(credential.role, meant);
    hit.then_some(()).ok_or_else(|| moved(role))
}

/// Makes a credential a member of default's role. Default's ADMIN OPTION on it would close a circle, so that
/// goes; the row says that it is meant so, and repair_default leaves it.
fn deputise(credential: &Credential) -> Result<()> {
    let default = catalog::default_credential()?;
    grant::set_membership(&credential.role_name, &default.role_name, Membership::None);
    catalog::set_deputy(credential.role, true)?;
    join(credential, &default.role_name)
}

/// Ends a membership. Default gets its ADMIN OPTION back where that is what it had given up.
fn leave(credential: &Credential, role: &str) -> Result<()> {
    let meant = ident::role_oid(role).ok_or_else(|| moved(role))?;
    grant::set_membership(role, &credential.role_name, Membership::None);
    if crate::pg::role::is_direct_member(credential.role, meant) {
        return Err(moved(role));
    }
    let default = catalog::default_credential()?;
    if meant == default.role {
        catalog::set_deputy(credential.role, false)?;
        let (own, default) = (&credential.role_name, &default.role_name);
        grant::set_membership(own, default, Membership::Admin);
    }
    Ok(())
}

fn moved(role: &str) -> Error {
    Kind::InUse
        .error(format!(
            "role \"{}\" was renamed or replaced meanwhile",
            shown(role)
        ))
        .detail("Nothing was changed.")
        .hint("Call again.")
}

/// Where a preset is given.
fn place(scope: &Scope) -> Result<permissions::Scope> {
    match scope {
        Scope::Every => Ok(permissions::Scope::every()),
        Scope::Schema(name) => in_schema(name),
    }
}

fn in_schema(name: &str) -> Result<permissions::Scope> {
    let found = permissions::scope::resolve(&[name.to_owned()])?;
    found.into_iter().next().ok_or_else(|| gone(name))
}

fn there(name: &str) -> Result<Oid> {
    schema::oid(name).ok_or_else(|| gone(name))
}

fn gone(name: &str) -> Error {
    Kind::NoSchema.error(format!("schema \"{}\" does not exist", shown(name)))
}

fn target(object: &Object) -> Target {
    let class = match object.kind {
        ObjectIs::Schema => Class::Schema,
        ObjectIs::Table(_) | ObjectIs::Sequence => Class::Relation,
        ObjectIs::Routine => Class::Routine,
    };
    Target {
        column: object.column,
        ..whole(class, object.oid)
    }
}

fn whole(class: Class, object: Oid) -> Target {
    Target {
        class: class.oid(),
        object,
        column: 0,
    }
}

fn right(grantee: Oid, rights: u32) -> Right {
    Right {
        grantee,
        grantor: Oid::INVALID,
        rights,
    }
}
