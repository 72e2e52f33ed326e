//! Rule 5, where the role of a credential has become another one, or more than it was.

use super::targets::ACTS;
use crate::harness::{expect_error, sqlstate, wait_until, SOON};
use crate::scene::{ask, column, fingerprint, run, Scene};

/// Those of them that retire a role, which a superuser may do to any.
const RETIRES: [&str; 3] = [
    "rotate('{}', force => true)",
    "suspend('{}')",
    "destroy('{}', 'app')",
];

#[test]
fn rule_05_a_role_that_has_become_more_is_refused_and_only_retired_by_a_superuser() {
    let elevations = [
        ("ALTER ROLE c1 SUPERUSER", "ALTER ROLE c1 NOSUPERUSER"),
        ("ALTER ROLE c1 REPLICATION", "ALTER ROLE c1 NOREPLICATION"),
        ("ALTER ROLE c1 BYPASSRLS", "ALTER ROLE c1 NOBYPASSRLS"),
        ("ALTER ROLE c1 CREATEROLE", "ALTER ROLE c1 NOCREATEROLE"),
        ("GRANT su2 TO c1", "REVOKE su2 FROM c1"),
        ("GRANT between TO c1", "REVOKE between FROM c1"),
    ];
    let mut scene = Scene::new();
    let c1 = scene.credential("c1");
    drop(c1);
    let _bystander = scene.credential("bystander");
    run(
        &mut scene.su,
        "CREATE ROLE su2 SUPERUSER; CREATE ROLE between; GRANT su2 TO between",
    );
    scene.cluster.allow_superuser("su2");
    for (up, down) in elevations {
        run(&mut scene.su, up);
        let before = fingerprint(&mut scene.su);
        for act in ACTS {
            let sql = format!("SELECT * FROM credentials.{}", act.replace("{}", "c1"));
            expect_error(&mut scene.own, &sql, "42501");
            // What the plan says a superuser may do is only looked at here.
            if !RETIRES.contains(&act) && !act.starts_with("destroy_plan") {
                expect_error(&mut scene.su, &sql, "42501");
            }
        }
        assert_eq!(fingerprint(&mut scene.su), before, "{up}");
        let state = "SELECT state FROM credentials.list() WHERE name = 'c1'";
        assert_eq!(ask(&mut scene.own, state), "orphaned", "{up}");
        run(
            &mut scene.su,
            "SELECT credentials.rotate('c1', force => true); SELECT credentials.suspend('c1')",
        );
        assert_eq!(
            ask(
                &mut scene.su,
                "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'c1'"
            ),
            "f",
            "{up}"
        );
        run(&mut scene.su, "SELECT credentials.wait('c1')");
        run(
            &mut scene.su,
            &format!("{down}; SELECT credentials.resume('c1')"),
        );
    }
    run(
        &mut scene.su,
        "GRANT between TO c1; SELECT credentials.destroy('c1', 'app')",
    );
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
}

#[test]
fn rule_05_a_role_that_reaches_all_data_tells_its_password_to_superusers_alone_and_can_be_retired()
{
    let mut scene = Scene::new();
    let _c1 = scene.credential("c1");
    for group in [
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_execute_server_program",
        "pg_read_all_data",
        "pg_write_all_data",
    ] {
        run(&mut scene.su, &format!("CREATE ROLE between_{group}; GRANT {group} TO between_{group}; GRANT between_{group} TO c1"));
        for call in ["url('c1')", "connection_info('c1')"] {
            let error = expect_error(
                &mut scene.own,
                &format!("SELECT credentials.{call}"),
                "42501",
            );
            let detail = error
                .as_db_error()
                .and_then(|e| e.detail())
                .unwrap_or_default()
                .to_owned();
            assert!(detail.contains(group), "{detail}");
            run(&mut scene.su, &format!("SELECT credentials.{call}"));
        }
        run(
            &mut scene.own,
            "SELECT credentials.rotate('c1', force => true)",
        );
        run(&mut scene.su, &format!("REVOKE between_{group} FROM c1"));
    }
    scene.settle();
    run(&mut scene.su, "GRANT pg_read_all_data TO c1");
    run(&mut scene.own, "SELECT credentials.destroy('c1', 'app')");
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c1'"
        ),
        "0"
    );
}

#[test]
fn rule_05_oid_and_name_must_agree_and_release_lets_go_of_what_does_not() {
    let mut scene = Scene::new();
    drop(scene.credential("renamed"));
    drop(scene.credential("replaced"));
    drop(scene.credential("swapped"));
    let _bystander = scene.credential("bystander");
    run(
        &mut scene.su,
        "ALTER ROLE renamed RENAME TO elsewhere;
         DROP OWNED BY replaced; DROP ROLE replaced; CREATE ROLE replaced LOGIN PASSWORD 'a new one in its place' SUPERUSER;
         ALTER ROLE swapped RENAME TO was_swapped; CREATE ROLE swapped LOGIN",
    );
    scene.cluster.allow_superuser("replaced");
    let before = fingerprint(&mut scene.su);
    for name in ["renamed", "replaced", "swapped"] {
        for act in ACTS {
            let sql = format!("SELECT * FROM credentials.{}", act.replace("{}", name));
            for client in [&mut scene.own, &mut scene.su] {
                let error = client.batch_execute(&sql).expect_err(&sql);
                assert!(
                    ["55000", "42501"].contains(&sqlstate(&error).as_str()),
                    "{sql}: {error}"
                );
            }
        }
        let state = format!("SELECT state FROM credentials.list() WHERE name = '{name}'");
        assert_eq!(ask(&mut scene.own, &state), "orphaned");
    }
    for (name, now) in [("elsewhere", "renamed"), ("was_swapped", "swapped")] {
        expect_error(
            &mut scene.own,
            &format!("SELECT credentials.url('{name}')"),
            "42704",
        );
        expect_error(
            &mut scene.own,
            &format!("SELECT credentials.create('{now}')"),
            "42710",
        );
    }
    assert_eq!(fingerprint(&mut scene.su), before);
    for name in ["renamed", "replaced", "swapped"] {
        run(
            &mut scene.su,
            &format!("SELECT credentials.release('{name}')"),
        );
        expect_error(
            &mut scene.own,
            &format!("SELECT credentials.url('{name}')"),
            "42704",
        );
    }
    assert_eq!(
        column(&mut scene.su, "SELECT name FROM credentials.list()"),
        ["default", "bystander"]
    );
}

#[test]
fn rule_05_the_worker_drops_no_role_that_took_the_name_and_forgets_one_that_is_gone() {
    let mut scene = Scene::new();
    drop(scene.credential("gone"));
    drop(scene.credential("renamed"));
    // The worker waits for the end of this transaction, which reads a table of the role's.
    run(
        &mut scene.su,
        "CREATE TABLE public.of_gone (n int); ALTER TABLE public.of_gone OWNER TO gone",
    );
    run(
        &mut scene.su,
        "CREATE TABLE public.of_renamed (n int); ALTER TABLE public.of_renamed OWNER TO renamed",
    );
    let mut reader = scene.cluster.superuser("app");
    run(
        &mut reader,
        "BEGIN; SELECT * FROM public.of_gone; SELECT * FROM public.of_renamed",
    );
    run(
        &mut scene.own,
        "SELECT credentials.destroy('gone', 'app'); SELECT credentials.destroy('renamed', 'app')",
    );
    wait_until("both jobs move", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.job WHERE stage = 'move'",
        ) == "2"
    });
    run(
        &mut scene.su,
        "ALTER ROLE renamed RENAME TO elsewhere; CREATE ROLE renamed",
    );
    run(
        &mut reader,
        "ALTER TABLE public.of_gone OWNER TO app_owner; DROP OWNED BY gone; DROP ROLE gone; COMMIT",
    );
    wait_until("the job of the role that is gone is over", SOON, || {
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.list() WHERE name = 'gone'",
        ) == "0"
    });
    // The other one waits for a person, and touches neither role.
    wait_until(
        "the job of the renamed role says why it waits",
        SOON,
        || {
            ask(
                &mut scene.su,
                "SELECT message FROM credentials.jobs() WHERE name = 'renamed'",
            )
            .contains("renamed or replaced")
        },
    );
    let roles = "SELECT rolname FROM pg_roles WHERE rolname IN ('renamed', 'elsewhere') ORDER BY 1";
    assert_eq!(column(&mut scene.su, roles), ["elsewhere", "renamed"]);
    run(
        &mut scene.su,
        "DROP ROLE renamed; ALTER ROLE elsewhere RENAME TO renamed",
    );
    wait_until("the role that is itself again goes", SOON, || {
        column(&mut scene.su, roles).is_empty()
    });
    scene.settle();
}
