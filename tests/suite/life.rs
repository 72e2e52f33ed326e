//! A credential from `create()` to `release()`: attributes, rights, settings, states, and what the lists say.

use crate::harness::{expect_error, wait_until, SOON};
use crate::scene::{ask, column, fingerprint, rows, run, Scene};

#[test]
fn a_new_role_has_exactly_the_attributes_and_the_one_right_of_the_contract() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SELECT credentials.create('c1'); SELECT credentials.create('c2', connection_limit => 3, login => false, valid_for => '1 day')",
    );
    let role = "SELECT format('%s%s%s%s%s%s%s %s %s', rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolinherit,
                       rolconnlimit, rolvaliduntil IS NULL) FROM pg_roles WHERE rolname = ";
    assert_eq!(ask(&mut scene.su, &format!("{role} 'c1'")), "tffffft -1 t");
    assert_eq!(ask(&mut scene.su, &format!("{role} 'c2'")), "fffffft 3 f");
    let hangs = "SELECT format('%s %s', classid::regclass, deptype) FROM pg_shdepend WHERE refobjid = 'c1'::regrole";
    assert_eq!(column(&mut scene.su, hangs), ["pg_database a"]);
    let acl = "SELECT string_agg(privilege_type || is_grantable, ',') FROM pg_database d, aclexplode(d.datacl) a WHERE a.grantee = 'c1'::regrole";
    assert_eq!(ask(&mut scene.su, acl), "CONNECTfalse");
    let members = "SELECT format('%s %s %s', roleid::regrole, member::regrole, admin_option) FROM pg_auth_members
                    WHERE 'c1'::regrole IN (roleid, member)";
    assert_eq!(column(&mut scene.su, members), ["c1 app_owner t"]);
    run(&mut scene.own, "SET ROLE c1; RESET ROLE; GRANT c1 TO c2");
    // A suspended one opens with resume, and with nothing else.
    let url = scene.cluster.url("c2");
    assert!(scene.cluster.connect(&url).is_err());
    assert_eq!(
        rows(&mut scene.own, "SELECT * FROM credentials.resume('c2')"),
        ["c2|active"]
    );
    drop(scene.cluster.connect(&url).expect("a login"));
    // if_not_exists touches nothing.
    let before = fingerprint(&mut scene.su);
    let again = "SELECT name, username, state, password FROM credentials.create('c1', connection_limit => 9, if_not_exists => true)";
    assert_eq!(rows(&mut scene.own, again), ["c1|c1|active"]);
    assert_eq!(fingerprint(&mut scene.su), before);
}

#[test]
fn suspend_ends_sessions_and_keeps_the_password_and_resume_opens_again() {
    let mut scene = Scene::new();
    let mut c1 = scene.credential("c1");
    let url = scene.cluster.url("c1");
    assert_eq!(
        rows(&mut scene.own, "SELECT * FROM credentials.suspend('c1')"),
        ["c1|suspended"]
    );
    scene.settle();
    assert!(
        c1.batch_execute("SELECT 1").is_err(),
        "the session was ended"
    );
    assert!(scene.cluster.connect(&url).is_err());
    assert_eq!(
        rows(
            &mut scene.own,
            "SELECT name, state, connections FROM credentials.usernames('c1')"
        ),
        ["c1|revoking|0"]
    );
    run(&mut scene.own, "SELECT credentials.resume('c1')");
    drop(scene.cluster.connect(&url).expect("the same URL"));
}

#[test]
fn configure_takes_what_any_user_may_set_and_nothing_else() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    let call = |settings: &str| {
        format!("SELECT * FROM credentials.configure('c1', settings => '{settings}')")
    };
    let told = rows(&mut scene.own, "SELECT * FROM credentials.configure('c1', 4, '{\"statement_timeout\": \"30s\", \"work_mem\": 5000, \"jit\": false}')");
    assert_eq!(
        told,
        ["c1|4|{\"jit\": \"false\", \"work_mem\": \"5000\", \"statement_timeout\": \"30s\"}"]
    );
    let mut c1 = scene.login("c1");
    assert_eq!(ask(&mut c1, "SHOW statement_timeout"), "30s");
    run(&mut scene.own, &call("{\"jit\": null, \"WORK_MEM\": null}"));
    let stored = "SELECT array_to_string(setconfig, ';') FROM pg_db_role_setting WHERE setrole = 'c1'::regrole";
    assert_eq!(ask(&mut scene.su, stored), "statement_timeout=30s");
    for settings in [
        "{\"role\": \"app_owner\"}",
        "{\"ROLE\": \"app_owner\"}",
        "{\"session_authorization\": \"postgres\"}",
        "{\"is_superuser\": \"on\"}",
        "{\"local_preload_libraries\": \"x\"}",
        "{\"session_preload_libraries\": \"x\"}",
        "{\"shared_preload_libraries\": \"x\"}",
        "{\"log_statement\": \"none\"}",
        "{\"session_replication_role\": \"replica\"}",
        "{\"shared_buffers\": \"1GB\"}",
        "{\"credential_manager.database\": \"x\"}",
        "{\"no_such.setting\": \"x\"}",
        "{\"nothing\": \"x\"}",
        "{\"work_mem\": \"lots\"}",
        "{\"work_mem\": [1]}",
        "{\"\": \"x\"}",
        "[]",
        "7",
    ] {
        expect_error(&mut scene.own, &call(settings), "22023");
    }
    assert_eq!(ask(&mut scene.su, stored), "statement_timeout=30s");
    expect_error(
        &mut scene.own,
        "SELECT credentials.configure('c1', -2)",
        "22023",
    );
    run(&mut scene.own, "SELECT credentials.configure('c1', -1)");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'c1'"
        ),
        "-1"
    );
}

#[test]
fn adopt_manages_a_role_as_it_is_and_release_leaves_it_so() {
    let mut scene = Scene::new();
    let mut app = scene.stranger("app_login", "CREATEDB NOINHERIT CONNECTION LIMIT 5");
    run(&mut scene.su, "CREATE ROLE locked NOLOGIN; CREATE ROLE above; GRANT app_owner TO above; ALTER ROLE app_login NOCREATEDB");
    let role = "SELECT to_jsonb(a)::text FROM pg_authid a WHERE rolname = 'app_login'";
    let before = ask(&mut scene.su, role);
    assert_eq!(
        rows(
            &mut scene.su,
            "SELECT * FROM credentials.adopt('app_login', 'billing')"
        ),
        ["billing|app_login|active"]
    );
    assert_eq!(ask(&mut scene.su, role), before);
    assert_eq!(ask(&mut app, "SELECT 1"), "1");
    assert_eq!(
        rows(&mut scene.su, "SELECT * FROM credentials.adopt('locked')"),
        ["locked|locked|suspended"]
    );
    assert_eq!(
        ask(&mut scene.own, "SELECT credentials.url('billing')"),
        format!(
            "postgres://app_login@127.0.0.1:{}/app?sslmode=prefer",
            scene.cluster.port()
        )
    );
    for (call, state) in [
        ("adopt('app_login')", "42710"),
        ("adopt('app_owner')", "42710"),
        ("adopt('app_owner', 'other')", "42710"),
        ("adopt('absent')", "42704"),
        ("adopt('postgres')", "42939"),
        ("adopt('postgres', 'mine')", "42501"),
        ("adopt('pg_monitor', 'mine')", "42501"),
        ("adopt('above')", "42501"),
        ("adopt('x-rotating')", "42602"),
    ] {
        let got = crate::scene::outcome(&mut scene.su, &format!("SELECT credentials.{call}"));
        assert_eq!(got, state, "{call}");
    }
    run(
        &mut scene.own,
        "SELECT credentials.rotate('billing', force => true)",
    );
    scene.settle();
    drop(scene.login("billing"));
    let kept = ask(&mut scene.su, role);
    assert_eq!(
        rows(
            &mut scene.su,
            "SELECT * FROM credentials.release('billing')"
        ),
        ["billing|app_login"]
    );
    assert_eq!(ask(&mut scene.su, role), kept);
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.secret s WHERE s.role = 'app_login'::regrole"
        ),
        "0"
    );
    expect_error(&mut scene.own, "SELECT credentials.url('billing')", "42704");
}

#[test]
fn rotate_all_takes_default_first_and_leaves_out_who_cannot_or_need_not() {
    let mut scene = Scene::new();
    for name in ["alpha", "beta", "gamma", "fresh"] {
        run(
            &mut scene.own,
            &format!("SELECT credentials.create('{name}')"),
        );
    }
    run(&mut scene.own, "SELECT credentials.suspend('beta')");
    scene.settle();
    run(&mut scene.su, "ALTER ROLE gamma RENAME TO gone; UPDATE credentials.credential SET rotated_at = rotated_at - interval '9 days' WHERE name <> 'fresh'");
    let told = rows(
        &mut scene.su,
        "SELECT name, state FROM credentials.rotate_all(force => true, older_than => '1 day')",
    );
    assert_eq!(
        told,
        [
            "default|active",
            "alpha|active",
            "beta|suspended",
            "gamma|orphaned"
        ]
    );
    scene.settle();
    run(&mut scene.su, "ALTER ROLE gone RENAME TO gamma");
    let rotated = "SELECT string_agg(name, ',' ORDER BY id) FROM credentials.event WHERE action IN ('rotate', 'rotate_all')";
    assert_eq!(ask(&mut scene.su, rotated), "default,alpha");
}

#[test]
fn the_lists_say_who_there_is_and_who_is_connected() {
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    let second = scene.login("c1");
    run(&mut scene.own, "SELECT credentials.create('reader', connection_limit => 2, valid_for => '1 day'); CREATE TABLE public.t (n int); GRANT SELECT ON public.t TO reader; GRANT ALL ON public.t TO c1");
    let list = "SELECT name, username, state, attachments, access, read_only, protected, connections, connection_limit, password_encryption,
                       valid_until > now() AS until, created_at <= now() AS created, rotated_at <= now() AS rotated, last_login_at <= now() AS login
                  FROM credentials.list()";
    assert_eq!(
        rows(&mut scene.own, list),
        [
            "default|app_owner|active|[]|{}|false|true|1|-1|scram-sha-256|true|true|true",
            "c1|c1|active|[]|{}|false|false|2|-1|scram-sha-256|true|true|true",
            "reader|reader|active|[]|{}|true|false|0|2|scram-sha-256|true|true|true",
        ]
    );
    let names = "SELECT name, username, state, connections, oldest_connection <= now() AS oldest FROM credentials.usernames()";
    assert_eq!(
        rows(&mut scene.own, names),
        [
            "default|app_owner|active|1|true",
            "c1|c1|active|2|true",
            "reader|reader|active|0"
        ]
    );
    drop((c1, second));
    wait_until("nobody is connected", SOON, || {
        ask(
            &mut scene.own,
            "SELECT connections FROM credentials.list() WHERE name = 'c1'",
        ) == "0"
    });
    assert_eq!(
        ask(
            &mut scene.own,
            "SELECT oldest_connection IS NULL FROM credentials.usernames('c1')"
        ),
        "t"
    );
}
