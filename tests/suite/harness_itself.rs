//! The harness keeps its own promises, on plain PostgreSQL.

use std::fs;

use crate::harness::{expect_error, sqlstate, wait_until, Cluster, SOON};

/// A cluster without the extension: what is tested here is the harness.
fn plain() -> Cluster {
    Cluster::builder().preload(false).start()
}

#[test]
fn a_cluster_starts_from_the_private_copy_and_leaves_nothing_behind() {
    let cluster = plain();
    let (home, pid) = (cluster.home().to_owned(), cluster.pid());
    let row = cluster.superuser("app").query_one(
        "SELECT current_setting('data_directory'), current_database()::text",
        &[],
    );
    let row = row.unwrap();
    assert_eq!(
        row.get::<_, String>(0),
        cluster.data_dir().display().to_string()
    );
    assert_eq!(row.get::<_, String>(1), "app");
    let executable = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert!(
        !executable.starts_with("/usr"),
        "the server of the system runs: {}",
        executable.display()
    );
    drop(cluster);
    assert!(!home.exists(), "files are left");
    assert!(
        fs::metadata(format!("/proc/{pid}")).is_err(),
        "the server is left"
    );
}

#[test]
fn a_role_logs_in_over_tcp_with_scram_and_a_wrong_password_is_refused() {
    let cluster = plain();
    cluster
        .superuser("app")
        .batch_execute("CREATE ROLE alice LOGIN PASSWORD 'a password of alice'")
        .unwrap();
    let mut client = cluster
        .login("alice", "a password of alice", "app")
        .unwrap();
    let row = client
        .query_one("SELECT session_user::text, inet_server_addr()::text", &[])
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "alice");
    assert_eq!(row.get::<_, String>(1), "127.0.0.1/32");
    let refused = cluster
        .login("alice", "another password", "app")
        .err()
        .unwrap();
    assert_eq!(sqlstate(&refused), "28P01");
}

#[test]
fn what_was_committed_survives_kill_9_and_a_restart_on_the_same_port() {
    let cluster = Cluster::builder()
        .preload(false)
        .setting("fsync", "on")
        .start();
    let (port, pid) = (cluster.port(), cluster.pid());
    cluster
        .superuser("app")
        .batch_execute("CREATE TABLE kept AS SELECT 42 AS answer")
        .unwrap();
    let mut open = cluster.superuser("app");
    open.batch_execute("BEGIN; CREATE TABLE lost (i int)")
        .unwrap();
    cluster.kill9();
    assert!(
        open.batch_execute("SELECT 1").is_err(),
        "a session outlived its server"
    );
    cluster.start();
    assert_eq!(cluster.port(), port);
    assert_ne!(cluster.pid(), pid);
    let row = cluster
        .superuser("app")
        .query_one("SELECT answer, to_regclass('lost') IS NULL FROM kept", &[])
        .unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, bool>(1)), (42, true));
    assert!(cluster
        .log()
        .contains("database system was not properly shut down"));
}

#[test]
fn a_standby_streams_refuses_writes_and_can_be_promoted() {
    let cluster = plain();
    let standby = cluster.standby();
    cluster
        .superuser("app")
        .batch_execute("CREATE TABLE t AS SELECT 1 AS i")
        .unwrap();
    cluster.wait_replayed(&standby);
    let mut client = standby.superuser("app");
    assert_eq!(
        client
            .query_one("SELECT i FROM t", &[])
            .unwrap()
            .get::<_, i32>(0),
        1
    );
    expect_error(&mut client, "CREATE TABLE u (i int)", "25006");
    standby.promote();
    client.batch_execute("CREATE TABLE u (i int)").unwrap();
}

#[test]
fn psql_runs_with_input_and_its_exit_code_is_seen() {
    let cluster = plain();
    let output = cluster.psql(&["-At", "-v", "ON_ERROR_STOP=1"], "SELECT 6 * 7;\n");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "42\n");
    let output = cluster.psql(&["-At", "-v", "ON_ERROR_STOP=1"], "SELECT 1 / 0;\n");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("division by zero"));
}

#[test]
fn a_dump_of_all_is_text_with_the_roles_in_it() {
    let cluster = plain();
    cluster
        .superuser("app")
        .batch_execute("CREATE ROLE dumped")
        .unwrap();
    assert!(cluster.pg_dumpall().contains("CREATE ROLE dumped;"));
}

#[test]
fn a_data_directory_of_its_own_has_another_system_identifier() {
    let identifier = |cluster: &Cluster| -> i64 {
        let row = cluster
            .superuser("app")
            .query_one("SELECT system_identifier FROM pg_control_system()", &[]);
        row.unwrap().get(0)
    };
    let (one, two) = (plain(), plain());
    assert_eq!(identifier(&one), identifier(&two), "copies of one template");
    let own = Cluster::builder().preload(false).own_initdb().start();
    assert_ne!(identifier(&one), identifier(&own));
}

#[test]
fn the_library_of_this_build_is_preloaded_without_an_error() {
    let cluster = Cluster::new();
    let mut client = cluster.superuser("app");
    let row = client
        .query_one("SELECT current_setting('shared_preload_libraries')", &[])
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "credential_manager");
    assert!(!cluster.log().contains("FATAL"), "{}", cluster.log());
}

#[test]
fn an_error_with_another_sqlstate_or_no_error_fails_the_expectation() {
    let cluster = plain();
    let fails = |sql: &'static str, state: &'static str| {
        let mut client = cluster.superuser("app");
        std::thread::scope(|scope| {
            scope
                .spawn(move || expect_error(&mut client, sql, state))
                .join()
                .is_err()
        })
    };
    assert!(fails("SELECT 1", "22012"), "no error");
    assert!(fails("SELECT 1 / 0", "42602"), "another SQLSTATE");
    assert!(
        fails(
            "DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 2000); END $$",
            "P0001"
        ),
        "2 kB"
    );
    assert!(
        !fails("SELECT 1 / 0", "22012"),
        "the error that was expected"
    );
}

#[test]
fn a_wait_in_vain_fails_with_what_was_waited_for() {
    let waiting =
        std::thread::spawn(|| wait_until("pigs fly", std::time::Duration::ZERO, || false));
    let said = waiting.join().unwrap_err();
    assert!(said.downcast_ref::<String>().unwrap().contains("pigs fly"));
    wait_until("at once", SOON, || true);
}

/// Violations of a cluster on which `sql` was run, `secret` being registered.
fn violations_after(sql: &str, secret: &str) -> Vec<String> {
    let cluster = Cluster::builder()
        .preload(false)
        .setting("log_statement", "all")
        .start();
    cluster.remember_secret(secret);
    cluster.superuser("app").batch_execute(sql).unwrap();
    let found = cluster.violations();
    if !found.is_empty() {
        cluster.without_invariants("broken on purpose, to see it found");
    }
    found
}

#[test]
fn a_secret_in_the_log_is_found() {
    let secret = "Qz7pLm2VxW9tRk4s";
    let found = violations_after(&format!("SELECT '{secret}'"), secret);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("server log holds a secret"), "{found:?}");
}

#[test]
fn a_secret_in_a_table_and_in_wal_is_found() {
    // Put together in the server, so that the log does not hold it.
    let sql = "CREATE TABLE leak AS SELECT 'Qz7pLm2V' || 'xW9tRk4s' AS password";
    let found = violations_after(sql, "Qz7pLm2VxW9tRk4s");
    assert!(
        found.iter().any(|file| file.contains("/base/")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|file| file.contains("/pg_wal/")),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|file| file.contains("server log")),
        "{found:?}"
    );
}

#[test]
fn a_verifier_in_the_log_is_found() {
    let cluster = plain();
    let mut client = cluster.superuser("app");
    client
        .batch_execute("CREATE ROLE alice LOGIN PASSWORD 'a password of alice'")
        .unwrap();
    client
        .batch_execute("DO $$ BEGIN RAISE LOG '%', (SELECT rolpassword FROM pg_authid WHERE rolname = 'alice'); END $$")
        .unwrap();
    assert!(cluster
        .violations()
        .iter()
        .any(|found| found.contains("(SCRAM-SHA-256$4096:")));
    cluster.without_invariants("broken on purpose, to see it found");
}

#[test]
fn a_superuser_that_no_test_declared_is_found() {
    let cluster = plain();
    cluster
        .superuser("app")
        .batch_execute("CREATE ROLE root2 SUPERUSER")
        .unwrap();
    assert_eq!(
        cluster.violations(),
        ["root2 is a superuser and no test declared it"]
    );
    cluster.allow_superuser("root2");
    cluster.check_invariants();
}

#[test]
fn an_untouched_cluster_violates_nothing() {
    assert_eq!(
        violations_after("SELECT 1", "Qz7pLm2VxW9tRk4s"),
        Vec::<String>::new()
    );
}

/// A plain cluster whose database `app` belongs to a hostile owner.
fn trapped() -> Cluster {
    let cluster = Cluster::builder().preload(false).hostile().start();
    let mut client = cluster.superuser("app");
    client
        .batch_execute(
            "CREATE ROLE app_owner LOGIN PASSWORD 'a password of the owner';
             ALTER DATABASE app OWNER TO app_owner;",
        )
        .unwrap();
    cluster.set_traps("app_owner");
    cluster
}

#[test]
fn traps_do_not_spring_on_the_owner_and_not_on_the_harness() {
    let cluster = trapped();
    let mut owner = cluster
        .login("app_owner", "a password of the owner", "app")
        .unwrap();
    let sql = "SELECT lower('A'), current_database(), 'a'::text = 'b'::text, 1 = 1";
    owner.batch_execute(sql).unwrap();
    let row = owner.query_one("SHOW search_path", &[]).unwrap();
    assert_eq!(row.get::<_, String>(0), "evil, pg_catalog, public");
    cluster.superuser("app").batch_execute(sql).unwrap();
    cluster.check_invariants();
}

#[test]
fn a_trap_called_as_a_superuser_or_from_within_a_function_is_found() {
    let cluster = trapped();
    let mut client = cluster.superuser("app");
    client
        .batch_execute("SET search_path = evil, pg_catalog; SELECT lower('A'); SELECT 1 = 1")
        .unwrap();
    let found = cluster.violations();
    assert!(
        found
            .iter()
            .any(|line| line.contains("lower called as postgres")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("operator_3 called as postgres")),
        "{found:?}"
    );

    let cluster_two = trapped();
    let mut owner = cluster_two
        .login("app_owner", "a password of the owner", "app")
        .unwrap();
    owner
        .batch_execute(
            "CREATE FUNCTION public.f() RETURNS text LANGUAGE plpgsql AS
             $$ BEGIN EXECUTE 'SELECT lower(''A'')'; RETURN ''; END $$;
             BEGIN; SELECT public.f(); ROLLBACK",
        )
        .unwrap();
    let found = cluster_two.violations();
    assert!(
        found
            .iter()
            .any(|line| line.contains("lower called as app_owner")),
        "{found:?}"
    );
    cluster.without_invariants("sprung on purpose");
    cluster_two.without_invariants("sprung on purpose");
}
