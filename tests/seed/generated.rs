//! A database with many relations and many roles that have rights on them in every way there is, and the two queries
//! that the reports stand for. Tests compare the rows, `make bench` the time.

use postgres::Client;

/// The query for privileges on tables of the page "Heroku Postgres credentials", word for word.
const TABLES: &str = include_str!("table_privileges.sql");

/// That query, asking for every privilege that this server has: MAINTAIN is one from PostgreSQL 17 on.
pub fn tables(client: &mut Client) -> String {
    let version = "SELECT current_setting('server_version_num')::int";
    let version: i32 = client.query_one(version, &[]).expect("a version").get(0);
    match version {
        170_000.. => TABLES.replace("'TRIGGER'\n", "'TRIGGER',\n'MAINTAIN'\n"),
        _ => TABLES.to_owned(),
    }
}

/// The query for privileges on schemas, of the same page.
pub const SCHEMAS: &str = include_str!("schema_privileges.sql");

/// A query of the page for one role alone.
pub fn of_role(query: &str, role: &str) -> String {
    query.replace(
        "GROUP BY",
        &format!("AND r.rolname = '{}'\nGROUP BY", role.replace('\'', "''")),
    )
}

/// Rows that only one of two queries has, a few of each, and how many rows there are.
pub fn compared(query: &str, report: &str) -> String {
    format!(
        "WITH q AS MATERIALIZED ({query}), f AS MATERIALIZED (SELECT * FROM {report})
         SELECT 'only the query: ' || (a.*)::text FROM (SELECT * FROM (TABLE q EXCEPT ALL TABLE f) e LIMIT 5) a
          UNION ALL
         SELECT 'only the report: ' || (b.*)::text FROM (SELECT * FROM (TABLE f EXCEPT ALL TABLE q) e LIMIT 5) b
          UNION ALL
         SELECT 'rows: ' || count(*) FROM f"
    )
}

/// Makes roles: an owner, four groups, and credentials up to `count`, with a few special ones besides.
pub fn roles(client: &mut Client, count: usize) {
    let last = count - 6;
    run(
        client,
        &format!(
            "DO $$ DECLARE r text; BEGIN
               CREATE ROLE g_owner LOGIN;
               CREATE ROLE grp_ro; CREATE ROLE grp_rw; CREATE ROLE grp_nested; CREATE ROLE grp_noinh NOINHERIT;
               GRANT grp_ro TO grp_nested, grp_noinh;
               FOR i IN 0..{last} LOOP
                 r := 'cred_' || to_char(i, 'FM000');
                 EXECUTE format('CREATE ROLE %I LOGIN %s', r, CASE WHEN i % 10 = 3 THEN 'NOINHERIT' ELSE '' END);
                 IF i % 10 IN (1, 3) THEN EXECUTE format('GRANT grp_ro TO %I', r);
                 ELSIF i % 10 = 2 THEN EXECUTE format('GRANT grp_rw TO %I', r);
                 ELSIF i % 10 = 4 THEN EXECUTE format('GRANT grp_nested TO %I', r);
                 ELSIF i % 10 = 9 THEN EXECUTE format('GRANT grp_noinh TO %I', r);
                 END IF;
               END LOOP;
             END $$;
             CREATE ROLE su2 SUPERUSER; CREATE ROLE rd_all; CREATE ROLE wr_all; CREATE ROLE rd_all_noinh NOINHERIT;
             GRANT pg_read_all_data TO rd_all, rd_all_noinh; GRANT pg_write_all_data TO wr_all;
             CREATE ROLE dbo_member; GRANT g_owner TO dbo_member;"
        ),
    );
}

/// Makes relations of all kinds in ten schemas, with owners and grants. A transaction each step: so many locks at
/// a time are more than a server has by itself.
pub fn relations(client: &mut Client, count: usize, roles: usize) {
    run(
        client,
        "CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER s FOREIGN DATA WRAPPER dummy; ALTER SCHEMA public OWNER TO g_owner;
         DO $$ BEGIN FOR i IN 1..9 LOOP EXECUTE format('CREATE SCHEMA s%s AUTHORIZATION g_owner', i); END LOOP; END $$",
    );
    let owners = (roles - 5).min(5);
    in_steps(
        client,
        count,
        &format!(
            "IF k = 51 THEN EXECUTE format('CREATE VIEW %s AS SELECT 1 AS a', t);
             ELSIF k = 52 THEN EXECUTE format('CREATE MATERIALIZED VIEW %s AS SELECT 1 AS a', t);
             ELSIF k = 53 THEN EXECUTE format('CREATE FOREIGN TABLE %s (a int) SERVER s', t);
             ELSIF k = 54 THEN EXECUTE format('CREATE TABLE %s (a int) PARTITION BY LIST (a)', t);
             ELSIF k = 55 THEN EXECUTE format('CREATE SEQUENCE %s', t);
             ELSE EXECUTE format('CREATE TABLE %s (a int, b int)', t); END IF;
             IF i % 20 <> 7 THEN
               EXECUTE format('ALTER TABLE %s OWNER TO %I', t,
                 CASE WHEN i % 20 = 8 THEN 'cred_' || to_char((i / 20) % {owners}, 'FM000') ELSE 'g_owner' END);
             END IF;"
        ),
    );
    grants(client, roles);
    in_steps(
        client,
        count,
        &format!(
            "IF i % 7 = 0 THEN EXECUTE format('GRANT SELECT, UPDATE, REFERENCES ON %s TO cred_%s', t, to_char((i / 7) % ({roles} - 5), 'FM000')); END IF;
             IF i % 33 = 0 THEN EXECUTE format('GRANT SELECT ON %s TO PUBLIC', t); END IF;
             IF i % 41 = 0 THEN EXECUTE format('REVOKE ALL ON %s FROM g_owner', t); END IF;
             IF i % 43 = 0 AND k BETWEEN 1 AND 50 THEN EXECUTE format('GRANT SELECT (a), UPDATE (a) ON %s TO grp_nested', t); END IF;"
        ),
    );
    run(client, "VACUUM ANALYZE pg_class");
    run(client, "ANALYZE");
}

/// Rights on whole schemas: of groups, of credentials, of PUBLIC, with grant options.
fn grants(client: &mut Client, roles: usize) {
    run(
        client,
        "GRANT USAGE ON SCHEMA s1, s2, s3, s4, s5 TO grp_ro, grp_rw; GRANT USAGE ON SCHEMA s9 TO PUBLIC;
         GRANT CREATE ON SCHEMA s8 TO cred_000 WITH GRANT OPTION",
    );
    for schema in 1..=5 {
        run(
            client,
            &format!("GRANT SELECT ON ALL TABLES IN SCHEMA s{schema} TO grp_ro"),
        );
    }
    for schema in 1..=3 {
        run(
            client,
            &format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA s{schema} TO grp_rw"
            ),
        );
    }
    for number in 0..=roles - 6 {
        match number % 10 {
            0 | 8 => {
                for step in 0..3 {
                    let schema = match (number / 10 + step) % 10 {
                        0 => "public".to_owned(),
                        digit => format!("s{digit}"),
                    };
                    run(
                        client,
                        &format!("GRANT USAGE ON SCHEMA {schema} TO cred_{number:03}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO cred_{number:03}"),
                    );
                }
            }
            5 => run(
                client,
                &format!(
                    "GRANT USAGE ON SCHEMA s6 TO cred_{number:03} WITH GRANT OPTION;
                     GRANT SELECT, TRUNCATE ON ALL TABLES IN SCHEMA s6 TO cred_{number:03} WITH GRANT OPTION"
                ),
            ),
            _ => {}
        }
    }
}

/// Runs PL/pgSQL for each number `i` up to `count`, where `t` is a relation's name and `k` is `i % 100`.
fn in_steps(client: &mut Client, count: usize, act: &str) {
    for start in (1..=count).step_by(500) {
        let end = count.min(start + 499);
        run(
            client,
            &format!(
                "DO $$ DECLARE k int; t text; BEGIN
                   FOR i IN {start}..{end} LOOP
                     k := i % 100;
                     t := CASE WHEN i % 10 = 0 THEN 'public' ELSE 's' || i % 10 END || '.rel_' || i;
                     {act}
                   END LOOP;
                 END $$"
            ),
        );
    }
}

fn run(client: &mut Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql) {
        let told = error.as_db_error().map(ToString::to_string);
        panic!("{}: {sql}", told.unwrap_or_else(|| error.to_string()));
    }
}
