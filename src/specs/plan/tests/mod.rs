#![allow(clippy::unwrap_used)] // A test fails by panicking.
use super::*;
use crate::attachments::plan::Stock;
use crate::core::name::Naming;
use crate::permissions::{Access, GroupKind};
use crate::pg::acl::rights;
use crate::pg::oid;
use crate::specs::export::export;
use crate::specs::present::*;
use crate::specs::spec::GroupName;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde_json::{json, Value as Json};

mod giving;
mod making;

/// A database that is set up and empty; asked by default.
fn empty() -> Present {
    Present {
        caller: Asker {
            superuser: false,
            creates_schemas: true,
            everywhere: true,
        },
        default_role: "app_owner".to_owned(),
        naming: Naming::Heroku,
        vacancies: (119, 120),
        schemas: BTreeMap::from([("public".to_owned(), schema(2200, "app_owner"))]),
        groups: BTreeMap::new(),
        credentials: BTreeMap::new(),
        roles: BTreeMap::from([("pg_monitor".to_owned(), RoleNow { superuser: false })]),
        memberships: Default::default(),
        tables: BTreeMap::new(),
        direct: Vec::new(),
        stock: Stock::default(),
        shared: BTreeMap::new(),
        flat: None,
        former_owners: BTreeMap::new(),
    }
}

fn schema(number: u32, owner: &str) -> SchemaNow {
    SchemaNow {
        oid: oid(number),
        owner: owner.to_owned(),
        open: false,
        may: true,
    }
}

fn credential(number: u32, name: &str) -> CredentialNow {
    CredentialNow {
        role: oid(number),
        role_name: name.to_owned(),
        trouble: None,
        lease: false,
        open: true,
        connection_limit: -1,
        settings: BTreeMap::new(),
        access: BTreeMap::new(),
        roles: Default::default(),
    }
}

/// The shop as a layout leaves it: its schema, groups, and one credential of each kind.
fn shop() -> Present {
    let mut now = empty();
    now.schemas
        .insert("shop".to_owned(), schema(20_000, "db_owner_shop"));
    for kind in GroupKind::ALL {
        let scope = Scope::Schema("shop".to_owned());
        let name = format!("{}shop", kind.prefix());
        now.roles.insert(name.clone(), RoleNow { superuser: false });
        now.groups.insert(name, GroupNow { kind, scope });
    }
    for (number, name, access) in [
        (20_010, "analyst", Access::ReadOnly),
        (20_011, "app", Access::ReadWrite),
    ] {
        let mut held = credential(number, name);
        held.access.insert(Scope::Schema("shop".to_owned()), access);
        now.roles
            .insert(name.to_owned(), RoleNow { superuser: false });
        now.credentials.insert(name.to_owned(), held);
    }
    now
}

fn table(now: &mut Present, name: &str, may: bool) {
    let (schema, table) = name.split_once('.').unwrap();
    let name = crate::specs::spec::TableName {
        schema: schema.to_owned(),
        table: table.to_owned(),
    };
    let known = TableNow {
        oid: oid(30_000),
        owner: oid(10),
        may,
    };
    now.tables.insert(name, known);
}

fn given(credential: &str, kind: ObjectIs, named: &str, rights: u32) -> Direct {
    Direct {
        credential: credential.to_owned(),
        schema: "shop".to_owned(),
        object: Object {
            kind,
            oid: oid(30_000),
            column: 0,
            column_name: None,
            named: named.to_owned(),
        },
        rights,
        by_owner: rights,
        options: false,
        may: true,
    }
}

fn planned(document: Json, now: &Present) -> Result<Vec<String>> {
    let steps = plan(&Spec::parse(&document)?, now)?;
    Ok(steps
        .iter()
        .flat_map(|step| step.lines(now))
        .map(|line| line.statement)
        .collect())
}

fn refused(document: Json, now: &Present) -> Kind {
    planned(document, now).unwrap_err().kind()
}

prop_compose! {
    /// Any state that a spec can speak of, whether or not a database can be in it.
    pub(in crate::specs) fn present()(
        names in vec(crate::specs::spec::tests::schema_name(), 1..4),
        owned in vec((any::<bool>(), any::<bool>(), 0..4_u8), 4),
        held in btree_map("[a-z]{3,8}", (any::<bool>(), -1..9_i32, btree_map(0..4_usize, 0..3_usize, 0..3),
            btree_set(0..3_usize, 0..2), btree_map("[a-z]{2,5}", "[a-z]{2,5}", 0..2)), 0..5),
        given in vec((0..5_usize, 0..4_usize, "[a-z]{1,4}", 1..128_u32, 0..2_i32), 0..6),
    ) -> Present {
        let mut now = empty();
        for (i, name) in names.iter().enumerate() {
            let (by_group, open, kinds) = owned[i];
            let number = 20_000 + u32::try_from(i).unwrap();
            let rest = if kinds == 3 { format!("s{number}") } else { name.clone() };
            for kind in GroupKind::ALL.into_iter().take(usize::from(kinds) + usize::from(by_group)) {
                let group = GroupName { kind, rest: rest.clone() };
                now.groups.insert(group.role(), GroupNow { kind, scope: Scope::Schema(name.clone()) });
            }
            let owner = if by_group { format!("db_owner_{rest}") } else { "app_owner".to_owned() };
            now.schemas.insert(name.clone(), SchemaNow { open, ..schema(number, &owner) });
        }
        let roles = ["pg_monitor", "team", "app_owner"];
        for (i, (name, (open, limit, access, member, settings))) in held.into_iter().enumerate() {
            let mut new = credential(21_000 + u32::try_from(i).unwrap(), &name);
            let scope = |i: usize| names.get(i).map_or(Scope::Every, |n| Scope::Schema(n.clone()));
            new.open = open;
            new.connection_limit = limit;
            new.settings = settings;
            new.access = access.into_iter().map(|(i, a)| (scope(i), Access::ALL[a])).collect();
            new.access.retain(|scope, access| *scope != Scope::Every || *access != Access::Owner);
            new.roles = member.into_iter().map(|i| roles[i].to_owned()).collect();
            now.credentials.insert(name, new);
        }
        let credentials: Vec<String> = now.credentials.keys().cloned().collect();
        for (who, place, table, rights, column) in given {
            let (Some(who), Some(place)) = (credentials.get(who), names.get(place)) else { continue };
            let name = crate::specs::spec::TableName { schema: place.clone(), table: table.clone() };
            let mut right = super::tests::given(who, ObjectIs::Table(table), &name.quoted(), rights);
            right.schema = place.clone();
            right.object.column = column;
            now.tables.insert(name, TableNow { oid: oid(30_000), owner: oid(10), may: true });
            let mut usage = super::tests::given(who, ObjectIs::Schema, "SCHEMA x", rights::USAGE);
            usage.schema = place.clone();
            now.direct.push(right);
            now.direct.extend((rights % 2 == 0).then_some(usage));
        }
        for role in roles {
            now.roles.insert(role.to_owned(), RoleNow { superuser: false });
        }
        let names: Vec<String> = now.credentials.keys().chain(now.groups.keys()).cloned().collect();
        now.roles.extend(names.into_iter().map(|name| (name, RoleNow { superuser: false })));
        now
    }
}

proptest! {
    #[test]
    fn what_is_exported_plans_to_nothing(now in present()) {
        let document = export(&now).to_json();
        let spec = Spec::parse(&document).unwrap();
        prop_assert_eq!(plan(&spec, &now).unwrap(), [], "{}", document);
    }

    #[test]
    fn a_plan_is_the_same_each_time(now in present(), then in present()) {
        let spec = export(&then);
        prop_assert_eq!(plan(&spec, &now), plan(&spec, &now));
    }
}
