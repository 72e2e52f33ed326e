//! What sessions of the twin make belongs to the credential: at once, or at the latest when the twin goes.

use postgres::{Client, Config, NoTls};

use super::{becomes, created, rotate, scene, twins_go};
use crate::scene::{ask, column, run, Scene};

/// What a session makes, under a name of its own.
fn makes(session: &mut Client, name: &str) {
    run(
        session,
        &format!(
            "CREATE SCHEMA s_{name}; CREATE TABLE s_{name}.t (id serial PRIMARY KEY, x text);
             CREATE VIEW s_{name}.v AS SELECT * FROM s_{name}.t; CREATE MATERIALIZED VIEW s_{name}.m AS SELECT 1 AS n;
             CREATE TYPE s_{name}.e AS ENUM ('a'); CREATE DOMAIN s_{name}.d AS int; CREATE TYPE s_{name}.r AS RANGE (subtype = float8);
             CREATE FUNCTION s_{name}.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
             CREATE PROCEDURE s_{name}.p() LANGUAGE sql AS 'SELECT 1';
             CREATE STATISTICS s_{name}.st ON id, x FROM s_{name}.t; CREATE TEXT SEARCH CONFIGURATION s_{name}.c (COPY = simple);
             CREATE COLLATION s_{name}.co (locale = 'C'); SELECT lo_create(0); COMMENT ON TABLE s_{name}.t IS 'kept'"
        ),
    );
}

/// Each role that owns something in a database, and whether that includes the credential's own.
fn owners(client: &mut Client) -> Vec<String> {
    column(
        client,
        "SELECT DISTINCT pg_get_userbyid(d.refobjid)::text FROM pg_shdepend d
          WHERE d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND pg_get_userbyid(d.refobjid) LIKE 'c1%' ORDER BY 1",
    )
}

/// A session with the URL that is told now, in `database`, with startup `options`.
fn session(s: &Scene, database: &str, options: &str) -> Client {
    let mut config: Config = s.cluster.url("c1").parse().unwrap();
    config.dbname(database).options(options);
    config.connect(NoTls).unwrap()
}

/// A rotating credential that may create wherever it likes.
fn rotating() -> Scene {
    let mut s = scene(0, 600, 1);
    created(&mut s, "c1");
    run(
        &mut s.su,
        "GRANT CREATE ON DATABASE app TO c1; GRANT CREATE ON DATABASE postgres TO c1",
    );
    s
}

#[test]
fn what_the_twins_sessions_make_belongs_to_the_credential_at_once() {
    let mut s = rotating();
    let held = s.login("c1");
    rotate(&mut s, "c1");
    for (database, number) in ["app", "postgres"].into_iter().zip(0..) {
        for (reset, letter) in [
            "SELECT 1",
            "RESET ROLE",
            "DISCARD ALL",
            "SET ROLE NONE; DISCARD ALL",
            "SET ROLE NONE; RESET ROLE",
            "SET SESSION AUTHORIZATION DEFAULT",
            "RESET ALL",
        ]
        .into_iter()
        .zip('a'..)
        {
            let mut session = session(&s, database, "");
            for statement in reset.split("; ") {
                run(&mut session, statement);
            }
            assert_eq!(ask(&mut session, "SELECT current_user"), "c1", "{reset}");
            makes(&mut session, &format!("{letter}{number}"));
        }
        assert_eq!(owners(&mut s.cluster.superuser(database)), ["c1"]);
    }
    drop(held);
    becomes(&mut s.su, "c1", "lingering");
    twins_go(&mut s.su);
}

#[test]
fn what_they_make_after_they_have_left_the_role_belongs_to_the_credential_in_the_end() {
    let mut s = rotating();
    let mut base = s.login("c1");
    run(
        &mut base,
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    );
    rotate(&mut s, "c1");
    for (database, number) in ["app", "postgres"].into_iter().zip(0..) {
        for (leaves, letter) in ["SET ROLE NONE", "SET ROLE NONE; RESET ALL"]
            .into_iter()
            .zip('a'..)
        {
            let mut session = session(&s, database, "");
            for statement in leaves.split("; ") {
                run(&mut session, statement);
            }
            assert_eq!(ask(&mut session, "SELECT current_user"), "c1-rotating");
            makes(&mut session, &format!("{letter}{number}"));
        }
        let mut session = session(&s, database, "-c role=none");
        assert_eq!(ask(&mut session, "SELECT current_user"), "c1-rotating");
        makes(&mut session, &format!("o{number}"));
    }
    let count = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^s_'";
    let before = ask(&mut s.su, count);
    drop(base);
    becomes(&mut s.su, "c1", "lingering");
    twins_go(&mut s.su);
    for database in ["app", "postgres"] {
        assert_eq!(
            owners(&mut s.cluster.superuser(database)),
            ["c1"],
            "{database}"
        );
    }
    assert_eq!(ask(&mut s.su, count), before, "something was dropped");
    let left = "SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass
                   AND NOT EXISTS (SELECT FROM pg_authid a WHERE a.oid = d.refobjid)";
    assert_eq!(ask(&mut s.su, left), "0", "rights of a role that is gone");
    let mut base = s.login("c1");
    run(
        &mut base,
        "SELECT * FROM s_a0.t; DROP SCHEMA s_a0 CASCADE; DROP SCHEMA s_o0 CASCADE",
    );
}

#[test]
fn what_was_granted_by_or_to_the_twin_is_as_if_it_had_been_the_credential() {
    let mut s = rotating();
    let held = s.login("c1");
    run(&mut s.su, "CREATE ROLE reader; CREATE TABLE public.t (n int); GRANT USAGE ON SCHEMA public TO c1; GRANT SELECT ON public.t TO c1 WITH GRANT OPTION");
    rotate(&mut s, "c1");
    let mut twin = session(&s, "app", "-c role=none");
    run(
        &mut twin,
        "GRANT SELECT ON public.t TO reader; CREATE SCHEMA mine; CREATE TABLE mine.t (n int); GRANT SELECT ON mine.t TO reader",
    );
    drop((held, twin));
    becomes(&mut s.su, "c1", "lingering");
    twins_go(&mut s.su);
    // MAINTAIN is a right of tables from PostgreSQL 17 on.
    let all = if cfg!(feature = "pg15") {
        "arwdDxt"
    } else {
        "arwdDxtm"
    };
    assert_eq!(
        column(&mut s.su, "SELECT relacl::text FROM pg_class WHERE oid IN ('public.t'::regclass, 'mine.t'::regclass) ORDER BY 1"),
        [
            format!("{{c1={all}/c1,reader=r/c1}}"),
            format!("{{postgres={all}/postgres,c1=r*/postgres,reader=r/c1}}")
        ]
    );
}
