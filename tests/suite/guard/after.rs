//! When it ends: with the rotation, and not with the server's memory.

use super::{watched, At, Said, Stage, OTHER, PAIR, TYPED};
use crate::harness::{wait_until, Cluster, SOON};
use crate::scene::{outcome, run};

#[test]
fn when_the_credential_is_active_again_everything_passes_again() {
    for at in At::BOTH {
        let mut stage = Stage::at(at);
        stage.end();
        for database in ["app", OTHER] {
            let mut client = stage.session("chief", database);
            for statement in watched("analyst") {
                run(&mut client, "BEGIN");
                assert_ne!(outcome(&mut client, &statement), "55006", "{statement}");
                run(&mut client, "ROLLBACK");
            }
        }
        let mut client = stage.session("analyst", OTHER);
        run(
            &mut client,
            &format!("ALTER USER CURRENT_USER PASSWORD '{TYPED}'"),
        );
        let (mut su, said) = Said::superuser(&stage.scene.cluster, "app");
        run(&mut su, "ALTER ROLE analyst PASSWORD NULL");
        assert_eq!(said.warnings(), [""; 0]);
        assert_eq!(Stage::recorded(&mut su), 0);
    }
}

#[test]
fn a_rotation_that_ends_by_itself_ends_the_watch_and_is_not_taken_for_somebodys_doing() {
    let cluster = Cluster::builder()
        .setting("credential_manager.rotation_linger", "1s")
        .start();
    let mut stage = Stage::on(cluster);
    run(
        &mut stage.scene.own,
        "SELECT credentials.rotate('analyst', overlap => '100 ms')",
    );
    wait_until("the twin is gone", SOON, || stage.state() == "active");
    for database in ["app", OTHER] {
        let mut chief = stage.session("chief", database);
        run(&mut chief, "BEGIN; GRANT analyst TO bystander; ROLLBACK");
    }
    assert_eq!(Stage::recorded(&mut stage.scene.su), 0);
    assert!(!stage.scene.cluster.log().contains("guard, "));
}

#[test]
fn a_standby_that_is_promoted_in_a_rotation_goes_on_refusing() {
    let stage = Stage::at(At::Rotating);
    let standby = stage.scene.cluster.standby();
    stage.scene.cluster.wait_replayed(&standby);
    let give = "GRANT analyst TO bystander";
    let mut chief = standby
        .login("chief", "a-stranger-called-chief", OTHER)
        .unwrap();
    assert_eq!(outcome(&mut chief, give), "25006");
    stage.scene.cluster.kill9();
    standby.promote();
    assert_eq!(outcome(&mut chief, give), "55006");
}

/// Every kind of person and database at once after a start, without waiting for the worker.
#[track_caller]
fn is_refused(stage: &mut Stage) {
    for database in ["app", OTHER] {
        for who in ["chief", "app_owner", "analyst-rotating"] {
            let mut client = stage.session(who, database);
            for role in PAIR {
                for statement in [
                    format!("ALTER ROLE {role} PASSWORD '{TYPED}'"),
                    format!("GRANT {role} TO bystander"),
                    format!("DROP ROLE {role}"),
                ] {
                    let state = outcome(&mut client, &statement);
                    assert_eq!(state, "55006", "{who} in {database}: {statement}");
                }
            }
        }
    }
}

#[test]
fn after_a_crash_it_is_refused_from_the_first_moment_on_and_to_the_end_of_the_rotation() {
    for at in At::BOTH {
        let mut stage = Stage::at(at);
        for _ in 0..2 {
            stage.scene.cluster.kill9();
            stage.scene.cluster.start();
            stage.scene.su = stage.scene.cluster.superuser("app");
            is_refused(&mut stage);
        }
        stage.scene.own = stage.session("app_owner", "app");
        stage.end();
        let mut client = stage.session("chief", OTHER);
        run(&mut client, "GRANT analyst TO bystander");
    }
}

#[test]
fn where_no_worker_can_start_after_a_crash_it_is_refused_by_the_names() {
    let mut stage = Stage::at(At::Rotating);
    stage.scene.cluster.kill9();
    // The launcher, and the server's own for logical replication: no place is left.
    stage.scene.cluster.append_conf("max_worker_processes = 2");
    stage.scene.cluster.start();
    stage.scene.su = stage.scene.cluster.superuser("app");
    is_refused(&mut stage);
    let (mut su, said) = Said::superuser(&stage.scene.cluster, "app");
    run(&mut su, "BEGIN; GRANT analyst TO bystander");
    assert_eq!((said.warnings().len(), Stage::recorded(&mut su)), (1, 1));
    run(&mut su, "ROLLBACK");
    // Named as a pair, but no member: the one has nothing to do with the other.
    run(
        &mut su,
        "CREATE ROLE writer ADMIN chief; CREATE ROLE \"writer-rotating\" ADMIN chief",
    );
    let mut chief = stage.session("chief", OTHER);
    run(
        &mut chief,
        "GRANT writer TO bystander; DROP ROLE \"writer-rotating\"",
    );
}

#[test]
fn with_the_extension_dropped_everything_passes() {
    let mut stage = Stage::new();
    run(
        &mut stage.scene.own,
        "SELECT credentials.rotate('analyst', overlap => '3 s')",
    );
    let mut chief = stage.session("chief", OTHER);
    let give = "BEGIN; GRANT analyst TO bystander";
    assert_eq!(outcome(&mut chief, give), "55006");
    let (mut su, said) = Said::superuser(&stage.scene.cluster, "app");
    // At home in the same transaction; elsewhere when a worker has come to see that nothing is there.
    run(
        &mut su,
        "BEGIN; DROP EXTENSION credential_manager; GRANT analyst TO bystander; COMMIT",
    );
    wait_until("it passes in another database", SOON, || {
        run(&mut chief, "ROLLBACK");
        outcome(&mut chief, give).is_empty()
    });
    run(&mut chief, "ROLLBACK");
    run(&mut su, "DROP ROLE \"analyst-rotating\"");
    assert_eq!(said.warnings(), [""; 0]);
}
