//! What is none of the guard's business passes, and leaves no trace.

use super::{At, Said, Stage, OTHER, TYPED};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, outcome, run, Scene};

#[test]
fn what_a_rotating_role_does_to_others_and_others_to_others_passes() {
    for at in At::BOTH {
        let mut stage = Stage::at(at);
        run(
            &mut stage.scene.su,
            "CREATE SCHEMA own AUTHORIZATION analyst; CREATE ROLE helper ADMIN chief",
        );
        for who in ["analyst", "analyst-rotating"] {
            let mut client = stage.session(who, "app");
            run(
                &mut client,
                "BEGIN; CREATE TABLE own.t (a int); GRANT SELECT ON own.t TO bystander;
                 ALTER TABLE own.t RENAME TO u; ALTER TABLE own.u RENAME a TO b; DROP TABLE own.u;
                 GRANT crowd TO bystander; REVOKE crowd FROM bystander;
                 ALTER ROLE analyst SET statement_timeout = '1min'; ALTER ROLE analyst RESET statement_timeout;
                 ROLLBACK",
            );
        }
        let mut chief = stage.session("chief", OTHER);
        run(
            &mut chief,
            &format!(
                "BEGIN; ALTER ROLE bystander PASSWORD '{TYPED}'; ALTER ROLE bystander RENAME TO stander;
                 CREATE ROLE newcomer IN ROLE crowd ROLE stander ADMIN helper; GRANT newcomer TO chief;
                 ALTER GROUP crowd ADD USER newcomer; DROP ROLE newcomer, helper; ROLLBACK"
            ),
        );
        let (mut su, said) = Said::superuser(&stage.scene.cluster, "app");
        run(
            &mut su,
            "BEGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO analyst; DROP ROLE helper;
             COMMENT ON ROLE analyst IS 'rotates'; ALTER ROLE bystander PASSWORD NULL; ROLLBACK",
        );
        assert_eq!(said.warnings(), [""; 0]);
        assert_eq!(Stage::recorded(&mut su), 0);
    }
}

#[test]
fn a_credential_that_does_not_rotate_is_not_watched() {
    let mut scene = Scene::new();
    let mut client = scene.credential("analyst");
    run(
        &mut client,
        &format!("ALTER USER CURRENT_USER PASSWORD '{TYPED}'"),
    );
    let (mut su, said) = Said::superuser(&scene.cluster, "app");
    // Named as a pair is, and none.
    run(
        &mut su,
        "CREATE ROLE writer; CREATE ROLE \"writer-rotating\" IN ROLE writer;
         GRANT analyst TO writer; REVOKE analyst FROM writer;
         ALTER ROLE \"writer-rotating\" PASSWORD NULL; DROP ROLE \"writer-rotating\", writer",
    );
    assert_eq!(said.warnings(), [""; 0]);
    assert_eq!(Stage::recorded(&mut su), 0);
}

#[test]
fn where_the_extension_is_switched_off_nothing_is_watched() {
    let mut stage = Stage::at(At::Rotating);
    let mut chief = stage.session("chief", OTHER);
    let give = "BEGIN; GRANT analyst TO bystander";
    assert_eq!(outcome(&mut chief, give), "55006");
    run(&mut chief, "ROLLBACK");
    stage
        .scene
        .cluster
        .append_conf("credential_manager.database = ''");
    run(&mut stage.scene.su, "SELECT pg_reload_conf()");
    wait_until("the setting is seen", SOON, || {
        ask(&mut chief, "SHOW credential_manager.database").is_empty()
    });
    run(&mut chief, give);
}
