//! Which role is meant as the flat one, and whether it may be.

use super::held;
use super::holding::Holding;
use super::stage::{Part, Stage};
use super::store::{self, Record};
use crate::access::{self, Act};
use crate::catalog::{self, twin, Credential, State};
use crate::error::{shown, Error, Kind, Result};
use crate::jobs::{self, Job};
use crate::permissions::{group, member};
use crate::pg::authority::{self, Caller};
use crate::pg::{ident, Oid};
use std::collections::BTreeSet;

/// Roles below this OID are the server's own (transam.h, FirstNormalObjectId).
const FIRST_OF_USERS: u32 = 16384;

/// A role that owned and did everything, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Flat {
    /// Its role.
    pub role: Oid,
    /// The role's name.
    pub role_name: String,
    /// The credential that it is, where it is one.
    pub credential: Option<String>,
    /// Whether it is the default credential, which is a member of every owning group by itself.
    pub is_default: bool,
    /// Whether it has by itself what the groups have that it is a member of.
    pub inherits: bool,
    /// The groups that it is a member of.
    pub groups: BTreeSet<String>,
    /// How far it is.
    pub record: Option<Record>,
    /// The groups that its default privileges name: wholly, or in part.
    pub defaults: BTreeSet<String>,
    /// Those that they name in part.
    pub partly: BTreeSet<String>,
    /// What it has by itself on users' schemas and in them, as far as it is to be retired.
    pub held: Vec<Holding>,
    /// The schemas in which it owns something that no job is moving, as far as it is to be retired.
    pub owns_in: BTreeSet<String>,
    /// What retiring it has taken, as far as that can be given back.
    pub lost: Vec<Holding>,
}

impl Flat {
    /// Whether a credential was made on the way.
    pub fn made(&self, role: Oid) -> bool {
        self.record.as_ref().is_some_and(|r| r.made.contains(&role))
    }

    /// Who owned the schema before a group took it over.
    pub fn former_owner(&self, group: Oid) -> Option<Oid> {
        let record = self.record.as_ref()?;
        record.owners.get(&group.to_u32()).copied()
    }
}

/// The role that is meant: by its own name, or by that of a credential. Refuses one that is not there (42704),
/// and one that no app's role is, or that the caller may not change (42501).
pub fn find(caller: &Caller, raw: &str, stage: Stage) -> Result<Flat> {
    let credential = match ident::role_oid(raw) {
        Some(role) => catalog::by_role(role)?,
        None => Some(catalog::target(raw).map_err(|_| absent(raw))?),
    };
    let role = match (&credential, ident::role_oid(raw)) {
        (Some(held), _) => held.role,
        (None, Some(role)) => role,
        (None, None) => return Err(absent(raw)),
    };
    let role_name = ident::role_name(role).ok_or_else(|| absent(raw))?;
    refuse(caller, role, &role_name, credential.as_ref())?;
    let attributes = store::attributes(role)?;
    let mut flat = Flat {
        role,
        record: store::find(role, &role_name)?,
        inherits: attributes.inherits,
        is_default: credential.as_ref().is_some_and(Credential::is_default),
        groups: member::groups_of(role)?
            .into_iter()
            .map(|g| g.role_name)
            .collect(),
        credential: credential.as_ref().map(|c| c.name.clone()),
        role_name,
        defaults: BTreeSet::new(),
        partly: BTreeSet::new(),
        held: Vec::new(),
        owns_in: BTreeSet::new(),
        lost: Vec::new(),
    };
    super::defaults_of(&mut flat)?;
    let login = match &credential {
        Some(held) => held.state != State::Suspended,
        None => attributes.login,
    };
    holdings(&mut flat, caller, stage, login)?;
    Ok(flat)
}

/// Reads what a role has that is to be retired, or what there is to be given back to one that was. Default owns
/// the database: it is never retired.
fn holdings(flat: &mut Flat, caller: &Caller, stage: Stage, login: bool) -> Result<()> {
    if flat.is_default {
        return Ok(());
    }
    let (me, name) = (caller.effective, flat.credential.as_deref());
    if stage.has(Part::Closed) {
        flat.held = held::now(flat.role, me, name, login)?;
        flat.owns_in = held::owns_in(flat.role)?;
        for schema in moving()? {
            flat.owns_in.remove(&schema);
        }
    } else if let Some(record) = &flat.record {
        flat.lost = held::lost(&record.taken, me, name, login)?;
    }
    Ok(())
}

/// The schemas of groups that a job moves something to.
fn moving() -> Result<Vec<String>> {
    let to = |job: &Job| job.reassign_to.filter(|_| job.kind == jobs::Kind::Move);
    let mut schemas = Vec::new();
    for group in jobs::live_for(None)?.iter().filter_map(to) {
        let found = group::by_role(group)?;
        schemas.extend(found.and_then(|g| ident::schema_name(g.scope)));
    }
    Ok(schemas)
}

fn absent(raw: &str) -> Error {
    Kind::NotFound
        .error(format!("role \"{}\" does not exist", shown(raw)))
        .detail("The key \"from.role\" names the role that is to be left.")
        .hint("SELECT rolname FROM pg_roles WHERE rolcanlogin;")
}

fn refuse(caller: &Caller, role: Oid, name: &str, credential: Option<&Credential>) -> Result<()> {
    if let Some(why) = never(role)? {
        return Err(denied(name).detail(why));
    }
    if let Some(held) = credential {
        access::refuse_destroying(held)?;
        return match held.is_default() {
            true => Ok(()),
            false => access::check(caller, held, Act::Change),
        };
    }
    if !caller.is_superuser() {
        return Err(denied(name)
            .detail("It is no credential, and superusers alone change roles that are not managed.")
            .hint(format!(
                "Ask a superuser, or for SELECT * FROM credentials.adopt('{}');",
                shown(name)
            )));
    }
    Ok(())
}

/// Why a role is no app's.
fn never(role: Oid) -> Result<Option<&'static str>> {
    Ok(if role.to_u32() < FIRST_OF_USERS {
        Some("It is the server's own.")
    } else if authority::is_superuser(role) || access::in_superuser(role, None)?.is_some() {
        Some("It is a superuser, or a member of one.")
    } else if group::by_role(role)?.is_some() {
        Some("It is a managed group.")
    } else if twin::owner(role)?.is_some() {
        Some("It is the twin of a credential that rotates: name the credential.")
    } else {
        None
    })
}

fn denied(name: &str) -> Error {
    Kind::Denied.error(format!("role \"{}\" cannot be left by stages", shown(name)))
}
