//! Each function against the oracle in `surface`.

use std::collections::BTreeMap;

use super::surface::{Promise, PINNED, PROMISES};
use super::{column, created, rows, set_up};
use crate::harness::expect_error;

/// Name, arguments and result of every function, columns of a composite result in order.
const FUNCTIONS: &str = "
  SELECT p.proname::text, pg_get_function_arguments(p.oid),
         coalesce((SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                                     ORDER BY a.attnum)
                     FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
                    WHERE t.oid = p.prorettype AND a.attnum > 0 AND NOT a.attisdropped),
                  format_type(p.prorettype, NULL))
    FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace";

fn superusers_only() -> impl Iterator<Item = &'static Promise> {
    PROMISES.iter().filter(|promise| promise.superuser)
}

#[test]
fn names_arguments_defaults_and_result_columns_are_those_of_the_contract() {
    let (_cluster, mut client) = created();
    let found: BTreeMap<String, (String, String)> = rows(&mut client, FUNCTIONS)
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))))
        .collect();
    let promised: BTreeMap<String, (String, String)> = PROMISES
        .iter()
        .map(|p| {
            (
                p.name.to_owned(),
                (p.arguments.to_owned(), p.result.to_owned()),
            )
        })
        .collect();
    for (name, promise) in &promised {
        assert_eq!(found.get(name), Some(promise), "{name}");
    }
    let (found, promised): (Vec<_>, Vec<_>) = (found.keys().collect(), promised.keys().collect());
    assert_eq!(found, promised, "functions that nobody promised");
}

#[test]
fn no_function_has_a_second_signature() {
    let (_cluster, mut client) = created();
    let count = rows(&mut client, FUNCTIONS).len();
    assert_eq!(count, PROMISES.len());
}

#[test]
fn every_function_is_volatile_unsafe_in_parallel_not_strict_and_runs_with_its_callers_rights() {
    let (_cluster, mut client) = created();
    let odd = column(
        &mut client,
        "SELECT p.oid::regprocedure::text FROM pg_proc p
          WHERE p.pronamespace = 'credentials'::regnamespace
            AND NOT (p.provolatile = 'v' AND p.proparallel = 'u' AND NOT p.proisstrict AND NOT p.prosecdef
                     AND NOT p.proleakproof AND p.prokind = 'f' AND p.provariadic = 0)",
    );
    assert_eq!(odd, Vec::<String>::new());
}

#[test]
fn every_function_is_written_in_c_and_points_into_our_library() {
    let (_cluster, mut client) = created();
    let odd = column(
        &mut client,
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
          WHERE p.pronamespace = 'credentials'::regnamespace
            AND (l.lanname <> 'c' OR p.probin <> '$libdir/credential_manager' OR p.prosrc <> p.proname || '_wrapper')",
    );
    assert_eq!(odd, Vec::<String>::new());
}

#[test]
fn no_argument_and_no_result_column_is_of_type_name() {
    let (_cluster, mut client) = created();
    let odd = column(
        &mut client,
        "SELECT p.oid::regprocedure::text FROM pg_proc p
          WHERE p.pronamespace = 'credentials'::regnamespace
            AND (p.prorettype = 'name'::regtype
                 OR 'name'::regtype = ANY (p.proargtypes::oid[]) OR 'name[]'::regtype = ANY (p.proargtypes::oid[])
                 OR EXISTS (SELECT FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
                             WHERE t.oid = p.prorettype AND a.atttypid IN ('name'::regtype, 'name[]'::regtype)))",
    );
    assert_eq!(odd, Vec::<String>::new());
}

#[test]
fn every_function_runs_with_the_pinned_settings_and_no_others() {
    let (_cluster, mut client) = created();
    let found = rows(
        &mut client,
        "SELECT p.proname::text, ARRAY(SELECT s FROM unnest(p.proconfig) s ORDER BY s COLLATE \"C\")
           FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace",
    );
    assert_eq!(found.len(), PROMISES.len());
    for row in found {
        assert_eq!(
            row.get::<_, Vec<String>>(1),
            PINNED,
            "{}",
            row.get::<_, String>(0)
        );
    }
}

#[test]
fn every_function_has_a_comment_and_only_superusers_functions_say_so() {
    let (_cluster, mut client) = created();
    let comments: BTreeMap<String, Option<String>> = rows(
        &mut client,
        "SELECT p.proname::text, obj_description(p.oid, 'pg_proc')
           FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace",
    )
    .iter()
    .map(|row| (row.get(0), row.get(1)))
    .collect();
    for promise in &PROMISES {
        let comment = comments[promise.name].as_deref().unwrap_or_default();
        assert!(comment.len() > 20, "{}: {comment:?}", promise.name);
        assert!(comment.ends_with('.'), "{}: {comment:?}", promise.name);
        assert_eq!(
            comment.ends_with("Superusers only."),
            promise.superuser,
            "{}: {comment:?}",
            promise.name
        );
    }
}

#[test]
fn every_argument_is_explained_in_its_functions_comment() {
    let (_cluster, mut client) = created();
    let silent = column(
        &mut client,
        "SELECT format('%s(%s)', p.proname, a) FROM pg_proc p, unnest(p.proargnames) a
          WHERE p.pronamespace = 'credentials'::regnamespace
            AND obj_description(p.oid, 'pg_proc') !~ ('\\m' || a || '\\M')",
    );
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn after_setup_default_may_execute_exactly_what_is_not_for_superusers_and_nobody_else_anything() {
    let (_cluster, mut client) = set_up();
    let granted = column(
        &mut client,
        "SELECT format('%s %s%s', coalesce(r.rolname, 'PUBLIC'), p.proname, CASE WHEN a.is_grantable THEN ' on' END)
           FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
           LEFT JOIN pg_roles r ON r.oid = a.grantee
          WHERE p.pronamespace = 'credentials'::regnamespace AND a.grantee <> p.proowner ORDER BY 1",
    );
    let mut promised: Vec<String> = PROMISES
        .iter()
        .filter(|p| !p.superuser)
        .map(|p| format!("app_owner {}", p.name))
        .collect();
    promised.sort();
    assert_eq!(granted, promised);
}

#[test]
fn superusers_functions_refuse_the_default_credential_even_where_a_dba_granted_execute() {
    let (cluster, mut client) = set_up();
    client
        .batch_execute(
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA credentials TO app_owner;
             SELECT credentials.set_password('default', 'a-password-of-24-letters')",
        )
        .unwrap();
    let mut owner = cluster
        .login("app_owner", "a-password-of-24-letters", "app")
        .unwrap();
    for promise in superusers_only() {
        let arguments = match promise.name {
            "adopt" | "release" => "'postgres'",
            "claim" => "'app'",
            _ => "",
        };
        let call = format!("SELECT * FROM credentials.{}({arguments})", promise.name);
        let error = expect_error(&mut owner, &call, "42501");
        let said = error.as_db_error().unwrap().message().to_owned();
        assert!(said.contains("superusers only"), "{call}: {said}");
    }
    assert_eq!(superusers_only().count(), 6);
}
