//! The schema: comments, rights, words, and that no row of it goes into a dump.

use super::{column, created, rows, set_up};

#[test]
fn schema_tables_and_every_column_have_a_comment() {
    let (_cluster, mut client) = created();
    let silent = column(
        &mut client,
        "SELECT 'schema' WHERE obj_description('credentials'::regnamespace, 'pg_namespace') IS NULL
         UNION ALL
         SELECT c.relname FROM pg_class c
          WHERE c.relnamespace = 'credentials'::regnamespace AND c.relkind = 'r'
            AND obj_description(c.oid, 'pg_class') IS NULL
         UNION ALL
         SELECT format('%s.%s', c.relname, a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
          WHERE c.relnamespace = 'credentials'::regnamespace AND c.relkind = 'r'
            AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL",
    );
    assert_eq!(silent, Vec::<String>::new());
}

/// Every grant on anything of ours to anybody but the owner, built-in defaults counted.
const GRANTS: &str = "
  WITH granted(what, owner, acl) AS (
    SELECT 'schema ' || nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
      FROM pg_namespace WHERE nspname = 'credentials'
    UNION ALL
    SELECT 'relation ' || relname, relowner,
           coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\", relowner))
      FROM pg_class WHERE relnamespace = 'credentials'::regnamespace AND relkind IN ('r', 'S', 'c', 'v')
    UNION ALL
    SELECT format('column %s.%s', c.relname, a.attname), c.relowner, a.attacl
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'credentials'::regnamespace
    UNION ALL
    SELECT 'type ' || typname, typowner, coalesce(typacl, acldefault('T', typowner))
      FROM pg_type WHERE typnamespace = 'credentials'::regnamespace AND typelem = 0
    UNION ALL
    SELECT 'function ' || proname, proowner, coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc WHERE pronamespace = 'credentials'::regnamespace)
  SELECT format('%s on %s to %s', a.privilege_type, g.what, coalesce(r.rolname, 'PUBLIC'))
    FROM granted g CROSS JOIN aclexplode(g.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
   WHERE a.grantee <> g.owner";

#[test]
fn before_setup_nothing_is_granted_to_anybody() {
    let (_cluster, mut client) = created();
    assert_eq!(column(&mut client, GRANTS), Vec::<String>::new());
}

#[test]
fn setup_grants_usage_on_the_schema_and_functions_and_no_table_or_type() {
    let (_cluster, mut client) = set_up();
    let beyond: Vec<String> = column(&mut client, GRANTS)
        .into_iter()
        .filter(|grant| !grant.starts_with("EXECUTE on function "))
        .collect();
    assert_eq!(beyond, ["USAGE on schema credentials to app_owner"]);
}

#[test]
fn nothing_stands_in_the_schema_but_what_the_extension_brought() {
    let (_cluster, mut client) = created();
    let strangers = column(
        &mut client,
        "SELECT c.relname::text FROM pg_class c
          WHERE c.relnamespace = 'credentials'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
            AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                               AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'credential_manager')
         UNION ALL SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
          WHERE c.relnamespace = 'credentials'::regnamespace
         UNION ALL SELECT p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
          WHERE c.relnamespace = 'credentials'::regnamespace
         UNION ALL SELECT r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
          WHERE c.relnamespace = 'credentials'::regnamespace",
    );
    assert_eq!(strangers, Vec::<String>::new());
    let open = column(
        &mut client,
        "SELECT relname::text FROM pg_class
          WHERE relnamespace = 'credentials'::regnamespace AND relkind = 'r' AND NOT relrowsecurity",
    );
    assert_eq!(open, Vec::<String>::new(), "pg_read_all_data reads these");
}

/// The words of SPEC section 1, by hand.
const STATES: [(&str, &str, &[&str]); 4] = [
    (
        "credential",
        "state",
        &[
            "active",
            "destroying",
            "foreign",
            "lingering",
            "orphaned",
            "rotating",
            "suspended",
        ],
    ),
    (
        "job",
        "state",
        &[
            "blocked",
            "cancelled",
            "done",
            "failed",
            "queued",
            "running",
            "waiting",
        ],
    ),
    // SPEC names rotate, destroy, repair and expire; a suspension whose role is held is work too, and so is
    // the end of a twin.
    (
        "job",
        "kind",
        &[
            "destroy", "expire", "move", "repair", "retire", "rotate", "suspend",
        ],
    ),
    (
        "twin",
        "phase",
        &["draining", "ended", "lingering", "retiring"],
    ),
];

#[test]
fn the_words_of_the_check_constraints_are_those_of_the_contract() {
    let (_cluster, mut client) = created();
    for (table, attribute, words) in STATES {
        let found = rows(
            &mut client,
            &format!(
                "SELECT ARRAY(SELECT m[1] FROM regexp_matches(pg_get_constraintdef(k.oid), '''([a-z_]+)''', 'g') m
                               ORDER BY m[1] COLLATE \"C\")
                   FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
                  WHERE k.contype = 'c' AND k.conrelid = 'credentials.{table}'::regclass AND a.attname = '{attribute}'"
            ),
        );
        assert_eq!(found.len(), 1, "{table}.{attribute}");
        assert_eq!(
            found[0].get::<_, Vec<String>>(0),
            words,
            "{table}.{attribute}"
        );
    }
}

#[test]
fn a_dump_of_the_home_database_has_no_row_of_ours() {
    let (cluster, mut client) = set_up();
    client
        .batch_execute("SELECT credentials.create('analyst_not_dumped')")
        .unwrap();
    let configured = rows(
        &mut client,
        "SELECT extconfig IS NULL AND extcondition IS NULL FROM pg_extension WHERE extname = 'credential_manager'",
    );
    assert!(
        configured[0].get::<_, bool>(0),
        "tables are marked as configuration"
    );
    for format in [&["--inserts"][..], &[], &["--data-only"]] {
        let output = cluster
            .client_command("pg_dump")
            .args(format)
            .output()
            .unwrap();
        let dump = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for trace in [
            "COPY credentials.",
            "INSERT INTO credentials.",
            "analyst_not_dumped",
            "setval",
        ] {
            assert!(!dump.contains(trace), "{format:?}: {trace}\n{dump}");
        }
    }
    let output = cluster.client_command("pg_dump").output().unwrap();
    let dump = String::from_utf8_lossy(&output.stdout);
    assert!(
        dump.contains("CREATE EXTENSION IF NOT EXISTS credential_manager"),
        "{dump}"
    );
    assert!(!dump.contains("CREATE TABLE credentials."), "{dump}");
}
