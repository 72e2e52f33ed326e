//! The role is the same before and after, in all that hangs on it; and the twin is as the role while it lives.

use super::{becomes, oid, password_of, timed, twins_go, works};
use crate::harness::Builder;
use crate::scene::{ask, column, outcome, run, Scene};
use crate::snapshot;

/// A role that a hostile hand named.
const NAME: &str = r#"we"ird 'role\ %s"#;

/// All that can hang on a role; `$R` is its name as an identifier, `$L` as a literal.
const RICH: &str = r#"
    CREATE ROLE $R LOGIN NOINHERIT CONNECTION LIMIT 7 VALID UNTIL '2099-01-01 01:02:03.456+00' PASSWORD 'the first password of a role';
    CREATE ROLE friends; CREATE ROLE fans; CREATE ROLE other; CREATE ROLE helper;
    GRANT friends TO $R WITH ADMIN OPTION; GRANT $R TO fans WITH ADMIN OPTION;
    GRANT CONNECT, CREATE, TEMPORARY ON DATABASE app TO $R WITH GRANT OPTION;
    GRANT USAGE, CREATE ON SCHEMA public TO $R WITH GRANT OPTION;
    GRANT SET ON PARAMETER log_min_duration_statement TO $R;
    ALTER ROLE $R SET search_path = "$user", "we,ird", 'it''s', public;
    ALTER ROLE $R SET my.own = 'a=b, "c" ''d'' \e';
    ALTER ROLE $R SET DateStyle = 'SQL, DMY';
    ALTER ROLE $R SET log_min_duration_statement = '7s';
    ALTER ROLE $R IN DATABASE app SET work_mem = '5MB';
    ALTER ROLE $R IN DATABASE app SET temp_tablespaces = '';
    ALTER ROLE $R IN DATABASE postgres SET search_path = 'a b', "C";
    COMMENT ON ROLE $R IS 'kept as it is';
    CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER remote FOREIGN DATA WRAPPER dummy;
    CREATE USER MAPPING FOR $R SERVER remote OPTIONS (key 'value');
    CREATE TABLE public.papers (n int, secret text); ALTER TABLE public.papers ENABLE ROW LEVEL SECURITY;
    GRANT SELECT (n), UPDATE (secret) ON public.papers TO $R WITH GRANT OPTION; GRANT DELETE ON public.papers TO $R;
    CREATE POLICY mine ON public.papers TO $R, other USING (true);
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO $R;
    ALTER DEFAULT PRIVILEGES FOR ROLE $R GRANT SELECT ON TABLES TO other;
    CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION public.f() TO $R;
    SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO $R;
    SET ROLE $R; GRANT friends TO helper; GRANT SELECT (n) ON public.papers TO other;
    CREATE TABLE public.own (n int); CREATE SCHEMA own; CREATE TYPE own.t AS ENUM ('a'); RESET ROLE;
    SET allow_system_table_mods = on;
    INSERT INTO pg_shseclabel VALUES ($L::regrole, 'pg_authid'::regclass, 'somebody', 'a label'); RESET allow_system_table_mods;
"#;

/// The twin's settings that the role has not, database by database, and the role's that the twin has not.
const OTHER_SETTINGS: &str = "
    WITH s AS (SELECT setrole, setdatabase, unnest(setconfig) AS line FROM pg_db_role_setting)
    (SELECT 'twin ' || setdatabase || ' ' || line FROM s WHERE setrole = $T
       AND (setdatabase, line) NOT IN (SELECT setdatabase, line FROM s WHERE setrole = $B))
    UNION ALL
    (SELECT 'base ' || setdatabase || ' ' || line FROM s WHERE setrole = $B
       AND (setdatabase, line) NOT IN (SELECT setdatabase, line FROM s WHERE setrole = $T))";

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(name: &str) -> String {
    format!("'{}'", ident(name).replace('\'', "''"))
}

/// A cluster with a rich role under management, and its first URL.
#[track_caller]
fn rich(builder: Builder, more: &str) -> (Scene, String) {
    let mut s = Scene::on(builder.start());
    let sql = format!("{RICH}{more}");
    let sql = sql
        .replace("$R", &ident(NAME))
        .replace("$L", &literal(NAME));
    run(&mut s.su, &sql);
    run(
        &mut s.cluster.superuser("postgres"),
        &"CREATE SCHEMA far AUTHORIZATION $R; CREATE TABLE far.t (n int); GRANT SELECT ON far.t TO $R"
            .replace("$R", &ident(NAME)),
    );
    let name = NAME.replace('\'', "''");
    run(
        &mut s.su,
        &format!(
            "SELECT credentials.adopt('{name}', 'weird'); SELECT credentials.set_password('weird')"
        ),
    );
    let url = s.cluster.url("weird");
    (s, url)
}

/// One whole rotation of the rich role, with every check on the way.
#[track_caller]
fn rotated_whole(mut s: Scene, old: &str, own_role: Option<&str>) {
    let before = snapshot::of(&s.cluster, NAME);
    assert!(before.len() > 30, "a poor snapshot: {before:#?}");
    let mut held = s.cluster.connect(old).unwrap();
    let acts_as = ask(&mut held, "SELECT current_user");
    let asked = [
        "search_path",
        "my.own",
        "DateStyle",
        "work_mem",
        "log_min_duration_statement",
    ]
    .map(|setting| format!("SHOW {setting}"));
    let shown: Vec<String> = asked.iter().map(|sql| ask(&mut held, sql)).collect();
    run(&mut s.own, "SELECT credentials.rotate('weird')");
    snapshot::same(&before, &snapshot::of(&s.cluster, NAME));
    let twin_name = format!("{NAME}-rotating");
    let (base, twin) = (
        oid(&mut s.su, &NAME.replace('\'', "''")),
        oid(&mut s.su, &twin_name.replace('\'', "''")),
    );
    let other = OTHER_SETTINGS.replace("$T", &twin).replace("$B", &base);
    let expected: Vec<String> = match own_role {
        Some(_) => Vec::new(),
        None => vec![format!("twin 0 role={NAME}")],
    };
    assert_eq!(column(&mut s.su, &other), expected);
    assert_eq!(
        column(
            &mut s.su,
            &format!("SELECT DISTINCT rolconnlimit || ' ' || rolvaliduntil || ' ' || rolcanlogin FROM pg_roles WHERE oid IN ({base}, {twin})")
        ),
        ["7 2099-01-01 01:02:03.456+00 true"]
    );
    let new = s.cluster.url("weird");
    let mut session = s.cluster.connect(&new).unwrap();
    assert_eq!(ask(&mut session, "SELECT session_user"), twin_name);
    assert_eq!(ask(&mut session, "SELECT current_user"), acts_as);
    let again: Vec<String> = asked.iter().map(|sql| ask(&mut session, sql)).collect();
    assert_eq!(again, shown, "the twin's session has other settings");
    let mut far = s
        .cluster
        .login(&twin_name, &password_of(&new), "postgres")
        .unwrap();
    assert_eq!(ask(&mut far, "SHOW search_path"), "\"a b\", \"C\"");
    // What inheritance gives and does not give is the same under both names.
    for sql in [
        "SELECT n FROM public.papers",
        "DELETE FROM public.papers",
        "SELECT secret FROM public.papers",
        "TRUNCATE public.papers",
    ] {
        assert_eq!(outcome(&mut session, sql), outcome(&mut held, sql), "{sql}");
    }
    drop((session, far, held));
    becomes(&mut s.su, "weird", "lingering");
    snapshot::same(&before, &snapshot::of(&s.cluster, NAME));
    becomes(&mut s.su, "weird", "active");
    twins_go(&mut s.su);
    snapshot::same(&before, &snapshot::of(&s.cluster, NAME));
    assert!(!works(&s.cluster, old) && works(&s.cluster, &s.cluster.url("weird")));
}

#[test]
fn a_rotation_loses_nothing_of_a_role_that_has_everything() {
    let (s, old) = rich(timed(1, 20, 1), "");
    rotated_whole(s, &old, None);
}

#[test]
fn a_role_that_sets_its_own_role_is_followed_by_its_twin() {
    let own = "ALTER ROLE $R SET role = 'friends'; GRANT SELECT ON public.papers TO friends;";
    let (s, old) = rich(timed(1, 20, 1), own);
    rotated_whole(s, &old, Some("friends"));
}

#[test]
fn in_a_database_whose_owner_sets_traps_a_rotation_loses_nothing_either() {
    let (s, old) = rich(timed(1, 20, 1).hostile(), "");
    rotated_whole(s, &old, None);
}

#[test]
fn default_is_the_same_before_and_after_in_a_hostile_database_too() {
    let mut s = Scene::on(timed(1, 20, 1).hostile().start());
    let old = s.cluster.url("default");
    let before = snapshot::of(&s.cluster, "app_owner");
    run(&mut s.own, "SELECT credentials.rotate('default')");
    let mut session = s.login("default");
    assert_eq!(ask(&mut session, "SELECT current_user"), "app_owner");
    assert_eq!(
        ask(&mut session, "SHOW search_path"),
        "evil, pg_catalog, public"
    );
    // A session of the twin is one of default in all that it may do here.
    for call in [
        "create('c1')",
        "rotate('c1', force => true)",
        "destroy('c1', 'app')",
        "wait('c1')",
    ] {
        run(&mut session, &format!("SELECT credentials.{call}"));
    }
    drop(session);
    becomes(&mut s.su, "default", "lingering");
    becomes(&mut s.su, "default", "active");
    twins_go(&mut s.su);
    snapshot::same(&before, &snapshot::of(&s.cluster, "app_owner"));
    assert!(!works(&s.cluster, &old) && works(&s.cluster, &s.cluster.url("default")));
}

#[test]
fn who_has_execute_and_nothing_else_rotates_a_credential_without_a_loss() {
    let mut s = Scene::on(timed(1, 20, 1).start());
    super::created(&mut s, "c1");
    let mut delegate = s.stranger("delegate", "");
    run(
        &mut s.su,
        "GRANT USAGE ON SCHEMA credentials TO delegate;
         GRANT EXECUTE ON FUNCTION credentials.rotate(text, boolean, interval, interval) TO delegate;
         ALTER ROLE c1 SET log_min_duration_statement = '7s'; ALTER ROLE c1 CONNECTION LIMIT 3",
    );
    let before = snapshot::of(&s.cluster, "c1");
    run(&mut delegate, "SELECT credentials.rotate('c1')");
    let mut twin = s.login("c1");
    assert_eq!(ask(&mut twin, "SHOW log_min_duration_statement"), "7s");
    drop(twin);
    becomes(&mut s.su, "c1", "active");
    snapshot::same(&before, &snapshot::of(&s.cluster, "c1"));
}

#[test]
fn an_adopted_role_with_an_md5_password_keeps_it_to_the_cut_over_and_has_a_better_one_then() {
    let builder = timed(1, 20, 1).hba("host all all 127.0.0.1/32 md5");
    let mut s = Scene::on(builder.start());
    run(
        &mut s.su,
        "SET password_encryption = md5; CREATE ROLE legacy LOGIN PASSWORD 'an old password'; RESET password_encryption;
         GRANT CONNECT ON DATABASE app TO legacy; SELECT credentials.adopt('legacy')",
    );
    let old = s.cluster.login("legacy", "an old password", "app").unwrap();
    run(&mut s.own, "SELECT credentials.rotate('legacy')");
    assert!(s.cluster.login("legacy", "an old password", "app").is_ok());
    assert!(works(&s.cluster, &s.cluster.url("legacy")));
    drop(old);
    becomes(&mut s.su, "legacy", "lingering");
    assert!(s.cluster.login("legacy", "an old password", "app").is_err());
    assert!(works(&s.cluster, &s.cluster.url("legacy")));
    let kind = "SELECT password_encryption FROM credentials.list() WHERE name = 'legacy'";
    assert_eq!(ask(&mut s.su, kind), "scram-sha-256");
    assert_eq!(
        ask(
            &mut s.su,
            "SELECT count(*) FROM credentials.events('legacy') WHERE action = 'drift'"
        ),
        "0"
    );
}
