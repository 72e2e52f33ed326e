//! `setup()`: which role becomes the default credential, what it gets, what PUBLIC loses, who is let in by name.

use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, fingerprint, outcome, rows, run};

fn installed() -> (Cluster, postgres::Client) {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    run(&mut su, "CREATE EXTENSION credential_manager");
    (cluster, su)
}

#[test]
fn a_role_that_exists_keeps_password_settings_and_limits_and_is_told_what_it_loses() {
    let (cluster, mut su) = installed();
    run(
        &mut su,
        "CREATE ROLE boss LOGIN PASSWORD 'a-password-that-stays-as-it-is' CREATEROLE CREATEDB BYPASSRLS REPLICATION CONNECTION LIMIT 9
           VALID UNTIL '2099-01-01';
         ALTER ROLE boss SET work_mem = '7MB'; ALTER ROLE boss IN DATABASE app SET search_path = a, b",
    );
    let kept = "SELECT format('%s %s %s %s', rolpassword, rolconnlimit, rolvaliduntil, (SELECT string_agg(s::text, ',' ORDER BY s::text) FROM pg_db_role_setting s))
                  FROM pg_authid WHERE rolname = 'boss'";
    let before = ask(&mut su, kept);
    let said = cluster.psql(&["-At"], "SELECT * FROM credentials.setup('boss')");
    let (out, err) = (
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr),
    );
    assert_eq!(out.trim(), "default|boss|active|", "{err}");
    for word in [
        "WARNING",
        "CREATEROLE",
        "CREATEDB",
        "BYPASSRLS",
        "REPLICATION",
    ] {
        assert!(err.contains(word), "{word}: {err}");
    }
    assert_eq!(ask(&mut su, kept), before);
    drop(
        cluster
            .login("boss", "a-password-that-stays-as-it-is", "app")
            .expect("the same login"),
    );
    let attributes = "SELECT format('%s%s%s%s%s%s%s', rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolinherit, rolcanlogin)
                        FROM pg_roles WHERE rolname = 'boss'";
    assert_eq!(ask(&mut su, attributes), "ffffftt");
    assert_eq!(
        ask(
            &mut su,
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'"
        ),
        "boss"
    );
    assert_eq!(
        ask(
            &mut su,
            "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public'"
        ),
        "boss"
    );
    assert_eq!(
        column(&mut su, "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'boss'::regrole AND NOT admin_option ORDER BY 1"),
        ["pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_signal_backend"]
    );
    let callable = "SELECT string_agg(DISTINCT proname, ',' ORDER BY proname) FROM pg_proc p WHERE pronamespace = 'credentials'::regnamespace
                      AND NOT has_function_privilege('boss', p.oid, 'EXECUTE')";
    assert_eq!(
        ask(&mut su, callable),
        "adopt,claim,release,reseal,setup,setup_plan"
    );
    // A second call changes nothing, with the argument or without; another role is too late.
    let now = fingerprint(&mut su);
    run(
        &mut su,
        "SELECT credentials.setup('boss'); SELECT credentials.setup()",
    );
    for function in ["setup", "setup_plan"] {
        expect_error(
            &mut su,
            &format!("SELECT credentials.{function}('other')"),
            "42710",
        );
    }
    assert_eq!(fingerprint(&mut su), now);
    assert_eq!(
        ask(
            &mut su,
            "SELECT count(*) FROM credentials.event WHERE action = 'setup'"
        ),
        "1"
    );
    assert_eq!(
        rows(&mut su, "SELECT * FROM credentials.setup_plan()"),
        Vec::<String>::new()
    );
}

#[test]
fn without_a_name_it_is_the_owner_or_a_new_role_where_the_owner_is_a_superuser() {
    let (cluster, mut su) = installed();
    let row = rows(
        &mut su,
        "SELECT name, username, state, password FROM credentials.setup()",
    );
    assert_eq!(row, ["default|app_owner|active"]);
    drop(
        cluster
            .connect(&cluster.url("default"))
            .expect("a login with the generated password"),
    );
    let (cluster, mut su) = installed();
    run(
        &mut su,
        "CREATE ROLE proprietor LOGIN; ALTER DATABASE app OWNER TO proprietor",
    );
    assert_eq!(
        rows(&mut su, "SELECT name, username FROM credentials.setup()"),
        ["default|proprietor"]
    );
    drop(cluster);
    let (_cluster, mut su) = installed();
    run(&mut su, "CREATE ROLE app_owner LOGIN");
    expect_error(&mut su, "SELECT credentials.setup()", "42710");
    run(&mut su, "SELECT credentials.setup('app_owner')");
}

#[test]
fn what_cannot_be_default_is_refused_and_nothing_is_changed() {
    let (cluster, mut su) = installed();
    run(
        &mut su,
        "CREATE ROLE su2 SUPERUSER LOGIN; CREATE ROLE inside LOGIN; CREATE ROLE between; GRANT su2 TO between; GRANT between TO inside;
         CREATE ROLE \"x-rotating\" LOGIN",
    );
    cluster.allow_superuser("su2");
    let before = fingerprint(&mut su);
    let long = "a".repeat(55);
    for (name, state) in [
        ("su2", "42501"),
        ("postgres", "42501"),
        ("inside", "42501"),
        ("pg_monitor", "42939"),
        ("pg_new", "42939"),
        ("public", "42939"),
        ("none", "42939"),
        (long.as_str(), "42602"),
        ("x-rotating", "42602"),
        ("y-rotating", "42602"),
        ("", "42602"),
    ] {
        for function in ["setup", "setup_plan"] {
            let got = outcome(&mut su, &format!("SELECT credentials.{function}('{name}')"));
            assert_eq!(got, state, "{function} {name}");
        }
    }
    assert_eq!(fingerprint(&mut su), before);
    expect_error(&mut su, "SELECT credentials.list()", "55000");
    expect_error(&mut su, "SELECT credentials.create('x1')", "55000");
    let fits = "b".repeat(54);
    run(&mut su, &format!("SELECT credentials.setup('{fits}')"));
    run(&mut su, "DROP ROLE \"x-rotating\"");
}

#[test]
fn public_is_locked_out_and_guests_with_business_here_are_let_in_by_name() {
    let (cluster, mut su) = installed();
    run(
        &mut su,
        "CREATE ROLE guest LOGIN PASSWORD 'guest-guest-guest-guest'; CREATE ROLE stranger LOGIN PASSWORD 'stranger-stranger-stranger';
         CREATE ROLE named LOGIN; GRANT CONNECT ON DATABASE app TO named; CREATE ROLE grp; CREATE ROLE member LOGIN; GRANT grp TO member;
         GRANT CONNECT ON DATABASE app TO grp; CREATE ROLE sleeper NOLOGIN; CREATE ROLE visitor LOGIN PASSWORD 'visitor-visitor-visitor';
         CREATE TABLE public.t (n int); GRANT SELECT ON public.t TO guest, sleeper, member, named",
    );
    let session = cluster
        .login("visitor", "visitor-visitor-visitor", "app")
        .expect("a session");
    let plan = rows(
        &mut su,
        "SELECT action, object, note FROM credentials.setup_plan('app_owner')",
    );
    let before = fingerprint(&mut su);
    assert_eq!(
        plan.first().map(String::as_str),
        Some("create role|app_owner|LOGIN; with a generated password")
    );
    for step in [
        "grant|database app|CONNECT to \"guest\", which had it through PUBLIC",
        "grant|database app|CONNECT to \"visitor\", which had it through PUBLIC",
        "revoke|database app|CONNECT, TEMPORARY from PUBLIC",
        "revoke|schema public|ALL from PUBLIC",
    ] {
        assert!(plan.iter().any(|row| row == step), "{step}: {plan:?}");
    }
    assert_eq!(fingerprint(&mut su), before, "a plan changes nothing");
    let said = cluster.psql(&["-At"], "SELECT * FROM credentials.setup('app_owner')");
    let notices = String::from_utf8_lossy(&said.stderr).into_owned();
    for guest in ["guest", "visitor"] {
        assert!(
            notices.contains(&format!("role \"{guest}\" keeps CONNECT")),
            "{notices}"
        );
    }
    for other in ["stranger", "named", "member", "sleeper", "grp"] {
        assert!(!notices.contains(&format!("\"{other}\"")), "{notices}");
    }
    let open = "SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = 'app' AND a.grantee = 0";
    assert_eq!(ask(&mut su, open), "0");
    let schema = "SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee = 0";
    assert_eq!(ask(&mut su, schema), "0");
    drop(session);
    drop(
        cluster
            .login("guest", "guest-guest-guest-guest", "app")
            .expect("a guest logs in"),
    );
    assert!(cluster
        .login("stranger", "stranger-stranger-stranger", "app")
        .is_err());
    assert!(
        cluster
            .login("stranger", "stranger-stranger-stranger", "postgres")
            .is_ok(),
        "elsewhere nothing changed"
    );
}

#[test]
fn without_a_key_file_the_new_password_is_shown_once() {
    let cluster = Cluster::builder().key_file(false).start();
    let setup = cluster.setup();
    let password = setup.password.expect("a password");
    assert_eq!(password.len(), 65);
    let mut own = cluster
        .login("app_owner", &password, "app")
        .expect("a login");
    assert_eq!(
        rows(
            &mut cluster.superuser("app"),
            "SELECT password FROM credentials.setup()"
        ),
        [""]
    );
    let made = ask(&mut own, "SELECT password FROM credentials.create('c1')");
    assert_eq!(made.len(), 65);
    cluster.remember_secret(&made);
    drop(cluster.login("c1", &made, "app").expect("a login"));
    assert!(ask(&mut own, "SELECT credentials.url('c1')").starts_with("postgres://c1@"));
}
