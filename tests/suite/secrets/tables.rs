//! Nobody writes or reads the extension's tables but superusers, with whatever roles.

use super::{one, ready, row, steps};
use crate::harness::expect_error;

#[test]
fn nobody_but_superusers_reads_or_writes_our_tables() {
    let (mut su, cluster) = ready();
    steps(
        &mut su,
        &[
            "SELECT credentials.create('alice')",
            "SELECT credentials.rotate('default', force => true)",
            "SELECT credentials.wait()",
            "SELECT credentials.repair_default()",
            "SELECT credentials.wait()",
            "CREATE ROLE stranger LOGIN",
            "CREATE ROLE reader IN ROLE pg_read_all_data",
            "CREATE ROLE writer IN ROLE pg_read_all_data, pg_write_all_data",
            "GRANT CONNECT ON DATABASE app TO stranger",
        ],
    );
    let allowed = "SELECT r.rolname, c.relname, p FROM pg_roles r, pg_class c,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
         WHERE c.relnamespace = 'credentials'::regnamespace AND c.relkind = 'r' AND NOT r.rolsuper
           AND r.rolname NOT IN ('pg_read_all_data', 'pg_write_all_data', 'reader', 'writer')
           AND has_table_privilege(r.oid, c.oid, p)";
    assert_eq!(row(&mut su, allowed), []);
    let tables: Vec<String> = su.query("SELECT relname::text FROM pg_class WHERE relnamespace = 'credentials'::regnamespace AND relkind = 'r' ORDER BY 1", &[])
        .unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(
        tables,
        [
            "access_group",
            "attachment",
            "collaborator",
            "collaborator_right",
            "credential",
            "endpoint",
            "event",
            "flat",
            "former_app",
            "installation",
            "job",
            "maker",
            "news",
            "secret",
            "tenant",
            "tenant_table",
            "twin"
        ]
    );
    let mut own = cluster.connect(&cluster.url("default")).unwrap();
    own.batch_execute("CREATE SCHEMA mine; CREATE FUNCTION mine.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$").unwrap();
    let mut alice = cluster.connect(&cluster.url("alice")).unwrap();
    for table in &tables {
        let table = format!("credentials.{table}");
        for act in [
            format!("SELECT 1 FROM {table}"),
            format!("INSERT INTO {table} DEFAULT VALUES"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("BEGIN; LOCK TABLE {table}"),
            format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
            format!("DROP TABLE {table}"),
            format!("CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION mine.f()"),
            format!("COPY {table} TO STDOUT"),
            format!("CREATE RULE r AS ON INSERT TO {table} DO NOTHING"),
            format!("CREATE POLICY p ON {table} USING (true)"),
            format!("GRANT SELECT ON {table} TO alice"),
        ] {
            for session in [&mut own, &mut alice] {
                expect_error(session, &act, "42501");
                session.batch_execute("ROLLBACK").unwrap();
            }
        }
        // Roles that reach all data without a grant reach nothing here.
        for role in ["reader", "writer"] {
            su.batch_execute(&format!("SET ROLE {role}")).unwrap();
            assert_eq!(
                one(&mut su, &format!("SELECT t::text FROM {table} t")),
                None,
                "{role} reads {table}"
            );
            su.batch_execute("RESET ROLE").unwrap();
        }
        su.batch_execute("SET ROLE writer").unwrap();
        assert_eq!(su.execute(&format!("DELETE FROM {table}"), &[]).unwrap(), 0);
        expect_error(&mut su, &format!("TRUNCATE {table}"), "42501");
        su.batch_execute("RESET ROLE").unwrap();
    }
    su.batch_execute("SET ROLE writer").unwrap();
    for forged in [
        "INSERT INTO credentials.event (at, action, name, effective_role, outer_role, session_role) VALUES (now(), 'destroy', 'ceo', 'x', 'x', 'x')",
        "INSERT INTO credentials.job (kind, role, name, state, stage, verifier, requested_by, created_at, updated_at, due_at)
         VALUES ('rotate', 10, 'postgres', 'queued', 'apply', 'x', 'x', now(), now(), now())",
        "INSERT INTO credentials.credential (role, name, role_name, state, created_at) VALUES (10, 'ceo', 'postgres', 'active', now())",
    ] {
        expect_error(&mut su, forged, "42501");
    }
    assert_eq!(
        su.execute("UPDATE credentials.credential SET role = 10", &[])
            .unwrap(),
        0
    );
    su.batch_execute("RESET ROLE").unwrap();
}
