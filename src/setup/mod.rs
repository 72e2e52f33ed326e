//! Setting up: which role becomes the default credential, what it is given, what PUBLIC loses.

pub mod api;
mod store;

use crate::access;
use crate::catalog::{self, Credential, State};
use crate::collaborators::rights::{self as strays, Stray};
use crate::core::name;
use crate::error::{shown, Kind, Result};
use crate::lifecycle::{create, exists};
use crate::pg::grant::{self, Target};
use crate::pg::role::{self, Options};
use crate::pg::{database, ident, lock, log, time, xact, Oid};
use crate::repair::rights::{self, Domain, Right};
use crate::rotation::Fresh;

/// The role that becomes default.
pub enum Choice {
    /// One that exists; it is kept, but for attributes that default must not have.
    Existing(Oid, String),
    /// A new one of this name.
    New(String),
}

impl Choice {
    /// The role's name.
    pub fn name(&self) -> &str {
        match self {
            Choice::Existing(_, name) | Choice::New(name) => name,
        }
    }

    /// Decides which role `setup(default_role)` means.
    pub fn decide(default_role: Option<&str>) -> Result<Choice> {
        match default_role {
            Some(wanted) => Choice::named(wanted),
            None => Choice::owner(),
        }
    }

    fn named(wanted: &str) -> Result<Choice> {
        name::check_taken_role(wanted)?;
        refuse_system_name(wanted)?;
        let Some(role) = ident::role_oid(wanted) else {
            return Ok(Choice::New(wanted.to_owned()));
        };
        if crate::pg::authority::is_superuser(role) {
            return Err(Kind::Denied
                .error(format!("role \"{}\" is a superuser", shown(wanted)))
                .detail("The default credential stands one step below superuser.")
                .hint("SELECT * FROM credentials.setup('app_owner');"));
        }
        refuse_member_of_superuser(role, wanted)?;
        Ok(Choice::Existing(role, wanted.to_owned()))
    }

    fn owner() -> Result<Choice> {
        let owner = store::database_owner(database::current())?;
        if let Some((role, name, false)) = owner {
            name::check_taken_role(&name)?;
            refuse_member_of_superuser(role, &name)?;
            return Ok(Choice::Existing(role, name));
        }
        let home = ident::database_name(database::current()).unwrap_or_default();
        let name = format!("{home}_owner");
        name::check_taken_role(&name)?;
        refuse_system_name(&name)?;
        if ident::role_oid(&name).is_some() {
            return Err(exists("role", &name).hint(
                "Name the role that is to be default: SELECT * FROM credentials.setup('app_owner');",
            ));
        }
        Ok(Choice::New(name))
    }
}

/// Attributes are taken away with a WARNING; a membership is somebody's grant, and stands.
fn refuse_member_of_superuser(role: Oid, name: &str) -> Result<()> {
    let Some(why) = access::in_superuser(role, None)? else {
        return Ok(());
    };
    Err(Kind::Denied
        .error(format!("role \"{}\" {why}", shown(name)))
        .detail("The default credential stands one step below superuser.")
        .hint("REVOKE that membership first."))
}

/// Names that the server keeps for itself (user.c, IsReservedName, and the words of RoleSpec).
fn refuse_system_name(raw: &str) -> Result<()> {
    let folded = raw.to_ascii_lowercase();
    if folded.starts_with("pg_") || matches!(folded.as_str(), "public" | "none") {
        return Err(Kind::ReservedName.error(format!("role name \"{}\" is reserved", shown(raw))));
    }
    Ok(())
}

/// One line of what setup does.
pub enum Step {
    /// A new role.
    Create(String),
    /// A login role that would be locked out keeps its way in.
    Admit(String),
    /// PUBLIC loses CONNECT and TEMPORARY on the home database.
    CloseDatabase,
    /// PUBLIC loses all on schema public.
    ClosePublic,
    /// Whoever has EXECUTE on collaborators' functions loses it: nobody is a collaborator yet.
    TakeBack(Vec<Stray>),
    /// Default gets what it lacks.
    Give(Right),
}

/// What setup would do for this choice, in order.
pub fn plan(choice: &Choice) -> Result<Vec<Step>> {
    let home = database::current();
    let role = match choice {
        Choice::Existing(role, _) => Some(*role),
        Choice::New(_) => None,
    };
    let mut steps = Vec::new();
    if let Choice::New(name) = choice {
        steps.push(Step::Create(name.clone()));
    }
    steps.extend(store::guests(home, role)?.into_iter().map(Step::Admit));
    let (database_open, public_open) = store::public_rights(home)?;
    let strays = strays::strays(role)?;
    if !strays.is_empty() {
        steps.push(Step::TakeBack(strays));
    }
    let domain = Domain::here(role.unwrap_or(Oid::INVALID), choice.name());
    steps.extend(rights::missing(&domain)?.into_iter().map(Step::Give));
    if database_open {
        steps.push(Step::CloseDatabase);
    }
    if public_open {
        steps.push(Step::ClosePublic);
    }
    Ok(steps)
}

/// Sets up; gives the default credential and the new role's password, where one was made.
pub fn run(choice: &Choice) -> Result<(Credential, Option<Fresh>, Option<i64>)> {
    lock::counter()?;
    let steps = plan(choice)?;
    let (role, fresh) = match choice {
        Choice::Existing(role, _) => (*role, None),
        Choice::New(name) => {
            let fresh = Fresh::generate()?;
            (make_owner(name, &fresh)?, Some(fresh))
        }
    };
    if let Some(taken) = catalog::by_role(role)? {
        return Err(exists("credential", &taken.name));
    }
    let rotated = fresh.as_ref().map(|_| time::now());
    catalog::insert(
        role,
        name::DEFAULT,
        choice.name(),
        State::Active,
        None,
        rotated,
    )?;
    let stored = match &fresh {
        Some(fresh) => fresh.store(role)?,
        None => None,
    };
    catalog::set_secret(role, stored)?;
    let domain = Domain::here(role, choice.name());
    for step in &steps {
        carry_out(&domain, step)?;
    }
    // A right may hang on one that was given before it, and a new role had no OID to ask for.
    for right in rights::missing(&domain)? {
        rights::give(&domain, &right)?;
    }
    xact::mark_changed();
    xact::force_sync_commit();
    let credential = catalog::default_credential()?;
    Ok((credential, fresh, stored))
}

fn make_owner(name: &str, fresh: &Fresh) -> Result<Oid> {
    let options = Options {
        login: Some(true),
        verifier: Some(Some(fresh.verifier.expose())),
        plain: true,
        ..Options::default()
    };
    match xact::subtransaction(|| role::create(name, &options)) {
        Ok(made) => made,
        Err(caught) if matches!(caught.sqlstate.as_str(), "42710" | "23505") => {
            Err(exists("role", name))
        }
        Err(caught) => Err(crate::rotation::unexpected(&caught)),
    }
}

fn carry_out(domain: &Domain, step: &Step) -> Result<()> {
    match step {
        Step::Create(_) => {}
        Step::Admit(role) => {
            create::give_connect(role)?;
            log::notice(&format!(
                "role \"{}\" keeps CONNECT, which it had through PUBLIC",
                shown(role)
            ));
        }
        Step::CloseDatabase => {
            let target = Target::Database(&domain.database_name);
            grant::set_privileges(false, &["connect", "temporary"], target, None, false);
        }
        Step::ClosePublic => {
            grant::set_privileges(false, &[], Target::Schema("public"), None, false)
        }
        Step::TakeBack(strays) => {
            for stray in strays {
                strays::take_stray(stray)?;
            }
            log::warning(&format!(
                "EXECUTE on functions of schema credentials is taken from {}: a grant that a restored dump brought has no limits",
                whose(strays)
            ));
        }
        Step::Give(right) => {
            if let Right::Attributes(words) = right {
                log::warning(&format!(
                    "role \"{}\" loses {}",
                    shown(&domain.name),
                    words.join(", ")
                ));
            }
            rights::give(domain, right)?;
        }
    }
    Ok(())
}

/// Action, object and note of a step, for `setup_plan`.
pub fn describe(domain: &Domain, step: &Step) -> (&'static str, String, String) {
    match step {
        Step::Create(name) => (
            "create role",
            shown(name),
            "LOGIN; with a generated password".to_owned(),
        ),
        Step::Admit(role) => (
            "grant",
            format!("database {}", shown(&domain.database_name)),
            format!(
                "CONNECT to \"{}\", which had it through PUBLIC",
                shown(role)
            ),
        ),
        Step::CloseDatabase => (
            "revoke",
            format!("database {}", shown(&domain.database_name)),
            "CONNECT, TEMPORARY from PUBLIC".to_owned(),
        ),
        Step::ClosePublic => (
            "revoke",
            "schema public".to_owned(),
            "ALL from PUBLIC".to_owned(),
        ),
        Step::TakeBack(strays) => (
            "revoke",
            "functions of schema credentials".to_owned(),
            format!("EXECUTE from {}", whose(strays)),
        ),
        Step::Give(right) => rights::describe(domain, right),
    }
}

/// Who loses rights, in words.
fn whose(strays: &[Stray]) -> String {
    let mut roles: Vec<u32> = strays.iter().map(|s| s.grantee.to_u32()).collect();
    roles.sort_unstable();
    roles.dedup();
    let public = roles.first() == Some(&0);
    match (roles.len() - usize::from(public), public) {
        (0, _) => "PUBLIC".to_owned(),
        (1, false) => "1 role".to_owned(),
        (n, false) => format!("{n} roles"),
        (n, true) => format!("PUBLIC and {n} more"),
    }
}
