//! Reads the present state.

use super::path;
use super::present::{Asker, CredentialNow, GroupNow, Present, Scope};
use super::spec::{Spec, Stage, TableName, Tenant, EVERY};
use super::store;
use crate::access::{self, Act};
use crate::attachments;
use crate::catalog::{self, Credential, State};
use crate::core::name::Naming;
use crate::error::{shown, Result};
use crate::flat;
use crate::jobs;
use crate::lifecycle::settings_json;
use crate::permissions::group::{self, Group, EVERY_SCHEMA};
use crate::pg::authority::{self, Caller};
use crate::pg::{database, ident, role_settings, Oid};
use crate::rotation;
use crate::settings;
use crate::tenants;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The spec with its settings as the server would store them; unknown ones, those that are not every user's
/// to set, and values that are none are refused (22023).
pub(super) fn settled(mut spec: Spec) -> Result<Spec> {
    for (name, wanted) in &mut spec.credentials {
        settle(&mut wanted.settings).map_err(|error| {
            path::blame(&format!("credentials.{}.settings", shown(name)), &error)
        })?;
    }
    Ok(spec)
}

fn settle(settings: &mut BTreeMap<String, Option<String>>) -> Result<()> {
    settings_json::check_known(&settings_json::changes(settings))?;
    for (name, value) in settings {
        let Some(text) = value else { continue };
        if !role_settings::takes(name, text) {
            return Err(settings_json::not_a_value(name));
        }
        *text = role_settings::as_stored(name, text)?;
    }
    Ok(())
}

/// How much is read.
pub(super) struct View {
    /// Roles that the spec has names of.
    roles: Vec<String>,
    /// Whether the spec makes credentials members of roles.
    joins: bool,
    /// Tables that the spec has names of.
    tables: Vec<TableName>,
    /// Schemas whose rights are read one by one; nothing for all.
    direct: Option<Vec<String>>,
    /// Tenants that the spec has.
    tenants: Vec<Tenant>,
    /// The role that the spec leaves, and the stage.
    leaving: Option<(String, Stage)>,
}

impl View {
    /// What it takes to plan a spec.
    pub(super) fn of(spec: &Spec) -> View {
        let wanted = || spec.credentials.values();
        let owners = spec
            .schemas
            .values()
            .filter_map(|schema| schema.owner.as_ref());
        let groups = spec.groups.iter().chain(owners).map(|group| group.role());
        let roles = wanted().flat_map(|wanted| wanted.roles.iter().cloned());
        let tables: BTreeSet<&TableName> =
            wanted().flat_map(|wanted| wanted.tables.keys()).collect();
        let strict = spec
            .schemas
            .iter()
            .filter(|(_, schema)| schema.authoritative);
        let direct: BTreeSet<&String> = strict
            .map(|(name, _)| name)
            .chain(tables.iter().map(|table| &table.schema))
            .collect();
        View {
            roles: spec
                .credentials
                .keys()
                .cloned()
                .chain(groups)
                .chain(roles)
                .collect(),
            direct: Some(direct.into_iter().cloned().collect()),
            joins: wanted().any(|wanted| !wanted.roles.is_empty()),
            tables: tables.into_iter().cloned().collect(),
            tenants: spec.tenants.clone(),
            leaving: spec
                .from
                .as_ref()
                .map(|from| (from.role.clone(), from.stage)),
        }
    }

    /// Everything that a spec can speak of.
    pub(super) fn everything() -> View {
        View {
            roles: Vec::new(),
            joins: false,
            tables: Vec::new(),
            direct: None,
            tenants: Vec::new(),
            leaving: None,
        }
    }
}

/// The present state as the caller may change it.
pub(super) fn present(caller: &Caller, view: View) -> Result<Present> {
    let default = catalog::default_credential()?;
    let me = caller.effective;
    let most = settings::max_credentials();
    let mut now = Present {
        caller: Asker {
            superuser: caller.is_superuser(),
            creates_schemas: store::creates_schemas(me, database::current())?,
            everywhere: authority::has_privileges_of(me, default.role),
        },
        default_role: default.role_name,
        naming: Naming::parse(&settings::naming()).unwrap_or(Naming::Heroku),
        vacancies: (most - catalog::count()?, most),
        schemas: store::schemas(me)?,
        groups: BTreeMap::new(),
        credentials: BTreeMap::new(),
        roles: store::roles(view.roles)?,
        memberships: match view.joins {
            true => store::edges()?,
            false => BTreeSet::new(),
        },
        tables: store::tables(&view.tables, me)?,
        direct: Vec::new(),
        stock: attachments::stock()?,
        shared: tenants::present(&view.tenants)?,
        flat: match &view.leaving {
            Some((role, stage)) => Some(flat::find(caller, role, *stage)?),
            None => None,
        },
        former_owners: BTreeMap::new(),
    };
    let all = group::all()?;
    groups(&all, &mut now);
    former_owners(&all, &mut now);
    credentials(caller, &all, &mut now)?;
    if view
        .direct
        .as_ref()
        .is_none_or(|schemas| !schemas.is_empty())
    {
        store::direct(view.direct, me, &mut now)?;
    }
    Ok(now)
}

/// Who owned the schemas that groups took over from the flat role.
fn former_owners(all: &[Group], now: &mut Present) {
    let Some(flat) = &now.flat else { return };
    for group in all {
        let former = flat.former_owner(group.role).map(|owner| {
            // Of one that is gone, the flat role is the heir.
            ident::role_name(owner).unwrap_or_else(|| flat.role_name.clone())
        });
        let named = former.map(|owner| (group.role_name.clone(), owner));
        now.former_owners.extend(named);
    }
}

/// Groups whose roles and schemas are still there, by the names that they have now. Those of a schema that was given
/// the name `*` are left out: in a spec that word means every schema.
fn groups(all: &[Group], now: &mut Present) {
    for group in all.iter().filter(|group| group.is_bound()) {
        let schema = now.schemas.iter().find(|(_, s)| s.oid == group.scope);
        let scope = match schema {
            _ if group.scope == EVERY_SCHEMA => Scope::Every,
            Some((name, _)) if name != EVERY => Scope::Schema(name.clone()),
            _ => continue,
        };
        let known = GroupNow {
            kind: group.kind,
            scope,
        };
        now.groups.insert(group.role_name.clone(), known);
    }
}

fn credentials(caller: &Caller, groups: &[Group], now: &mut Present) -> Result<()> {
    let mut by_role: HashMap<Oid, (String, CredentialNow)> = HashMap::new();
    let limits = store::limits()?;
    let closing = jobs::awaiting_suspension()?;
    for credential in catalog::all()?.into_iter().filter(|c| !c.is_default()) {
        let known = CredentialNow {
            role: credential.role,
            role_name: credential.role_name.clone(),
            trouble: trouble(caller, &credential)?,
            lease: credential.lease_until.is_some(),
            open: credential.state != State::Suspended && !closing.contains(&credential.role),
            connection_limit: limits.get(&credential.role).copied().unwrap_or(-1),
            settings: BTreeMap::new(),
            access: BTreeMap::new(),
            roles: BTreeSet::new(),
        };
        by_role.insert(credential.role, (credential.name, known));
    }
    for (role, name, value) in store::settings(database::current())? {
        if let Some((_, known)) = by_role.get_mut(&role) {
            known.settings.insert(name, value);
        }
    }
    for (role, group) in store::memberships()? {
        if let Some((_, known)) = by_role.get_mut(&role) {
            known.roles.insert(group);
        }
    }
    presets(groups, now, &mut by_role)?;
    now.credentials = by_role.into_values().collect();
    Ok(())
}

/// The preset that each credential has on each scope: the most that its groups there give.
fn presets(
    groups: &[Group],
    now: &Present,
    by_role: &mut HashMap<Oid, (String, CredentialNow)>,
) -> Result<()> {
    for (role, group) in store::in_groups()? {
        let name = groups
            .iter()
            .find(|g| g.role == group)
            .map(|g| &g.role_name);
        let known = name.and_then(|name| now.groups.get(name));
        if let (Some(known), Some((_, held))) = (known, by_role.get_mut(&role)) {
            let access = known.kind.access();
            let most = held.access.entry(known.scope.clone()).or_insert(access);
            *most = access.max(*most);
        }
    }
    Ok(())
}

/// Why nothing can be done to a credential: it is on its way out, or its role is no longer a credential's.
fn trouble(caller: &Caller, credential: &Credential) -> Result<Option<crate::error::Error>> {
    let checked = rotation::refuse_destroying(credential)
        .and_then(|()| access::check(caller, credential, Act::Change));
    Ok(checked.err())
}
