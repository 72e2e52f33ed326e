#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.
use super::*;
use crate::error::Kind;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{json, Value as Json};

fn refused(document: Json) -> (Kind, String) {
    let error = Spec::parse(&document).unwrap_err();
    (error.kind(), error.message().to_owned())
}

#[test]
fn an_unknown_key_is_refused_with_its_path() {
    for (document, path) in [
        (json!({"schema": {}}), "schema"),
        (
            json!({"schemas": {"shop": {"owners": "x"}}}),
            "schemas.shop.owners",
        ),
        (
            json!({"credentials": {"app_shop": {"acess": {}}}}),
            "credentials.app_shop.acess",
        ),
        (
            json!({"credentials": {"a\nb": {"x": 1}}}),
            "credentials.a\\nb.x",
        ),
        (json!({"tenants": [{}, {"tabels": []}]}), "tenants[0]"),
        (json!({"tenants": [{"tabels": []}]}), "tenants[0].tabels"),
        (json!({"from": {"role": "x", "stages": "y"}}), "from.stages"),
    ] {
        let (kind, message) = refused(document.clone());
        assert_eq!(kind, Kind::BadArgument, "{document}");
        assert!(
            message.contains(&format!("\"{path}\"")),
            "{path}: {message}"
        );
    }
}

#[test]
fn a_wrong_type_or_word_is_refused_with_its_path() {
    for (document, told) in [
        (json!([]), "a spec must be an object"),
        (json!(null), "a spec must be an object"),
        (json!({"schemas": []}), "\"schemas\" must be an object"),
        (
            json!({"schemas": {"s": {"owner": "shop"}}}),
            "\"schemas.s.owner\" must be",
        ),
        (
            json!({"schemas": {"s": {"owner": "db_reader_s"}}}),
            "\"schemas.s.owner\" must be",
        ),
        (
            json!({"schemas": {"s": {"authoritative": 1}}}),
            "\"schemas.s.authoritative\" must be true",
        ),
        (json!({"groups": {}}), "\"groups\" must be a list"),
        (
            json!({"groups": ["db_owner_a", "writers"]}),
            "\"groups[1]\" must be",
        ),
        (json!({"groups": ["db_owner_"]}), "\"groups[0]\" must be"),
        (
            json!({"credentials": {"a": null}}),
            "\"credentials.a\" must be an object",
        ),
        (
            json!({"credentials": {"a": {"access": {"s": "all"}}}}),
            "\"credentials.a.access.s\": unknown access",
        ),
        (
            json!({"credentials": {"a": {"access": {"*": "owner"}}}}),
            "\"credentials.a.access.*\" must be",
        ),
        (
            json!({"credentials": {"a": {"connection_limit": "5"}}}),
            "\"credentials.a.connection_limit\" must be",
        ),
        (
            json!({"credentials": {"a": {"connection_limit": -2}}}),
            "\"credentials.a.connection_limit\" must be",
        ),
        (
            json!({"credentials": {"a": {"connection_limit": 3e9}}}),
            "\"credentials.a.connection_limit\" must be",
        ),
        (
            json!({"credentials": {"a": {"login": "yes"}}}),
            "\"credentials.a.login\" must be",
        ),
        (
            json!({"credentials": {"a": {"settings": {"role": "x"}}}}),
            "\"credentials.a.settings\": setting",
        ),
        (
            json!({"credentials": {"a": {"settings": {"x": 1, "X": 2}}}}),
            "\"credentials.a.settings\" must be",
        ),
        (
            json!({"credentials": {"a": {"tables": {"orders": []}}}}),
            "\"credentials.a.tables.orders\" must be",
        ),
        (
            json!({"credentials": {"a": {"tables": {"s.t": ["DROP"]}}}}),
            "\"credentials.a.tables.s.t[0]\" must be",
        ),
        (
            json!({"credentials": {"a": {"roles": "pg_monitor"}}}),
            "\"credentials.a.roles\" must be",
        ),
        (
            json!({"credentials": {"a": {"roles": ["db_reader_s"]}}}),
            "\"credentials.a.roles[0]\" must be",
        ),
        (
            json!({"tenants": [{"credential": "a", "tables": ["s.t"], "value": "x"}]}),
            "\"tenants[0]\" must be",
        ),
        (
            json!({"attachments": {"shop": {"DATABASE": "a"}}}),
            "\"attachments.shop.DATABASE\" must be",
        ),
        (
            json!({"attachments": {"shop": {"DATABASE_URL": 1}}}),
            "\"attachments.shop.DATABASE_URL\" must be",
        ),
        (
            json!({"attachments": {"shop": {"DATABASE_URL": {"endpoint": "pool"}}}}),
            "\"attachments.shop.DATABASE_URL\" must be",
        ),
        (
            json!({"from": {"role": "a", "stage": "done"}}),
            "\"from.stage\" must be",
        ),
    ] {
        let (kind, message) = refused(document.clone());
        assert_eq!(kind, Kind::BadArgument, "{document}: {message}");
        assert!(message.contains(told), "{told}: {message}");
    }
}

#[test]
fn what_is_no_matter_of_a_spec_is_refused_in_its_own_words() {
    let kind = |document| refused(document).0;
    assert_eq!(kind(json!({"attachments": {"Shop": {}}})), Kind::BadName);
    assert_eq!(kind(json!({"credentials": {"default": {}}})), Kind::Denied);
    assert_eq!(kind(json!({"credentials": {"Owner": {}}})), Kind::Denied);
    for schema in [
        "pg_catalog",
        "pg_temp_1",
        "information_schema",
        "credentials",
    ] {
        assert_eq!(
            kind(json!({"schemas": {schema: {}}})),
            Kind::ReservedName,
            "{schema}"
        );
        let access = json!({"credentials": {"a": {"access": {schema: "read_only"}}}});
        assert_eq!(kind(access), Kind::ReservedName, "{schema}");
        let tables = json!({"credentials": {"a": {"tables": {format!("{schema}.t"): ["SELECT"]}}}});
        assert_eq!(kind(tables), Kind::ReservedName, "{schema}");
    }
    let long = "x".repeat(64);
    for schema in ["", "*", long.as_str()] {
        assert_eq!(
            kind(json!({"schemas": {schema: {}}})),
            Kind::BadName,
            "{schema}"
        );
    }
    let shared = json!({"schemas": {"a": {"owner": "db_owner_x"}, "b": {"owner": "db_owner_x"}}});
    assert_eq!(kind(shared), Kind::BadArgument);
}

#[test]
fn a_table_is_named_as_in_sql() {
    let parse = |raw: &str| TableName::parse(raw).map(|t| (t.schema, t.table));
    let name = |schema: &str, table: &str| Some((schema.to_owned(), table.to_owned()));
    assert_eq!(parse("shop.payments"), name("shop", "payments"));
    assert_eq!(parse("Shop.PAYMENTS"), name("shop", "payments"));
    assert_eq!(parse("\"Shop\".\"a.b\"\"c\""), name("Shop", "a.b\"c"));
    for bad in [
        "", "t", ".t", "s.", "a.b.c", "\"a.b", "a.\"b\"c", "a b.c", "\"\".t", "a\"b\".c",
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}

pub(in crate::specs) fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9_]{0,8}", "[A-Za-zé \"'.\\\\\n;#|{}-]{1,12}"]
}

/// A name that a schema can have.
pub(in crate::specs) fn schema_name() -> impl Strategy<Value = String> {
    any_name().prop_filter("reserved", |name| {
        crate::specs::reading::check_schema_name(name).is_ok()
    })
}

fn group() -> impl Strategy<Value = GroupName> {
    (0..3_usize, "[a-z][a-z0-9_]{0,8}").prop_map(|(kind, rest)| GroupName {
        kind: GroupKind::ALL[kind],
        rest,
    })
}

fn table() -> impl Strategy<Value = TableName> {
    (schema_name(), any_name()).prop_map(|(schema, table)| TableName { schema, table })
}

prop_compose! {
    fn wanted()(
        access in btree_map(schema_name(), 0..3_usize, 0..3),
        connection_limit in option::of(-1..100_i32),
        settings in btree_map("[a-z_]{1,9}[a-z]", option::of("[^\0\n\r]{0,9}"), 0..3),
        login in option::of(any::<bool>()),
        tables in btree_map(table(), 0..128_u32, 0..3),
        roles in btree_set("[a-z]{1,9}", 0..3),
    ) -> Wanted {
        let access = access.into_iter().map(|(schema, n)| (schema, Access::ALL[n])).collect();
        Wanted { access, connection_limit, settings, login, tables, roles }
    }
}

fn variable() -> impl Strategy<Value = Variable> {
    ("[a-z0-9][a-z0-9-]{0,5}", "[A-Z_][A-Z0-9_]{0,5}").prop_map(|(app, name)| Variable {
        app,
        config_var: format!("{name}_URL"),
    })
}

fn held() -> impl Strategy<Value = Held> {
    let credential = any_name().prop_filter("another word for default", |name| name != "owner");
    (credential, "leader|[a-z0-9]{1,3}").prop_map(|(credential, endpoint)| Held {
        credential,
        endpoint,
    })
}

prop_compose! {
    fn spec()(
        schemas in btree_map(schema_name(), (option::of("[a-z]{1,9}"), any::<bool>()), 0..3),
        groups in btree_set(group(), 0..3),
        credentials in btree_map(any_name(), wanted(), 0..3),
        attachments in btree_map(variable(), held(), 0..4),
        tenants in vec((any_name(), vec(table(), 0..3), any_name(), any_name()), 0..3),
        from in option::of((any_name(), 0..6_usize)),
    ) -> Spec {
        let mut seen = BTreeSet::new();
        let schemas = schemas.into_iter().map(|(name, (rest, authoritative))| {
            let rest = rest.filter(|rest| seen.insert(rest.clone()));
            let owner = rest.map(|rest| GroupName { kind: GroupKind::Owner, rest });
            (name, Schema { owner, authoritative })
        }).collect();
        let tenants = tenants.into_iter().map(|(credential, tables, column, value)| {
            Tenant { credential, tables, column, value }
        }).collect();
        let from = from.map(|(role, stage)| From { role, stage: Stage::ALL[stage] });
        Spec { schemas, groups, credentials, attachments, tenants, from }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_as_itself(spec in spec()) {
        let text = spec.to_json().to_string();
        prop_assert_eq!(Spec::parse(&serde_json::from_str(&text).unwrap()).unwrap(), spec);
    }

    #[test]
    fn no_document_is_read_with_a_panic(text in "\\PC{0,60}") {
        if let Ok(document) = serde_json::from_str::<Json>(&text) {
            let _ = Spec::parse(&document);
        }
    }
}
