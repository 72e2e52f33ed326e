//! Ways around: code of others, statements made before, transactions that are not over.

use super::{roles, At, Said, Stage, OTHER, TYPED};
use crate::harness::{expect_error, sqlstate, Cluster};
use crate::scene::{column, outcome, rows, run};

#[test]
fn neither_a_do_block_nor_a_function_that_defines_its_user_goes_round_it() {
    let mut stage = Stage::new();
    let su = &mut stage.scene.su;
    for (name, owner) in [("of_chief", "chief"), ("of_root", "postgres")] {
        run(
            su,
            &format!(
                "CREATE FUNCTION public.{name}(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
                   AS 'BEGIN EXECUTE statement; END';
                 ALTER FUNCTION public.{name} OWNER TO {owner};
                 GRANT USAGE ON SCHEMA public TO analyst"
            ),
        );
    }
    stage.rotate(At::Rotating);
    let mut client = stage.session("analyst", "app");
    let change = format!("ALTER ROLE analyst PASSWORD ''{TYPED}''");
    let own = change.replace("''", "'");
    for way in [
        format!("DO $$BEGIN {own}; END$$"),
        format!("DO $$BEGIN EXECUTE '{change}'; EXCEPTION WHEN undefined_object THEN NULL; END$$"),
        format!("SELECT public.of_chief('{change}')"),
        format!("BEGIN; SAVEPOINT a; {own}"),
    ] {
        expect_error(&mut client, &way, "55006");
        run(&mut client, "ROLLBACK");
    }
    assert_eq!(Stage::recorded(&mut stage.scene.su), 0);
    // A superuser's function has a superuser's rights, and leaves a superuser's trace: with who called it.
    run(
        &mut client,
        &format!("BEGIN; SELECT public.of_root('{change}')"),
    );
    run(&mut client, "COMMIT");
    let told = rows(
        &mut stage.scene.su,
        "SELECT name, effective_role, session_role FROM credentials.events() WHERE action = 'guard'",
    );
    assert_eq!(told, ["analyst|postgres|analyst"]);
}

#[test]
fn a_block_that_catches_the_refusal_has_changed_nothing() {
    let mut stage = Stage::at(At::Rotating);
    let before = roles(&mut stage.scene.su);
    let mut client = stage.session("chief", "app");
    run(
        &mut client,
        "DO $$BEGIN GRANT analyst TO bystander; EXCEPTION WHEN object_in_use THEN NULL; END$$",
    );
    assert_eq!(roles(&mut stage.scene.su), before);
}

#[test]
fn a_statement_that_was_prepared_before_the_rotation_is_refused_in_it() {
    let mut stage = Stage::new();
    let mut client = stage.session("chief", OTHER);
    let statement = client.prepare("GRANT analyst TO bystander").unwrap();
    run(
        &mut client,
        "CREATE FUNCTION pg_temp.later() RETURNS void LANGUAGE plpgsql AS 'BEGIN GRANT analyst TO bystander; END'",
    );
    // Its plan is kept from here on.
    run(
        &mut client,
        "SELECT pg_temp.later(); REVOKE analyst FROM bystander",
    );
    stage.rotate(At::Rotating);
    let error = client.execute(&statement, &[]).unwrap_err();
    assert_eq!(sqlstate(&error), "55006");
    expect_error(&mut client, "SELECT pg_temp.later()", "55006");
    stage.end();
    client.execute(&statement, &[]).unwrap();
    run(&mut client, "SELECT pg_temp.later()");
}

#[test]
fn the_transaction_that_begins_a_rotation_is_watched_before_it_commits() {
    let mut stage = Stage::new();
    let own = &mut stage.scene.own;
    let give = "GRANT analyst TO bystander";
    run(
        own,
        "BEGIN; SAVEPOINT before; SELECT credentials.rotate('analyst'); SAVEPOINT after",
    );
    for statement in [give, "ALTER ROLE \"analyst-rotating\" RENAME TO x"] {
        expect_error(own, statement, "55006");
        run(own, "ROLLBACK TO after");
    }
    run(own, &format!("ROLLBACK TO before; {give}; ROLLBACK"));
    run(own, &format!("BEGIN; {give}; ROLLBACK"));
    assert_eq!(stage.state(), "active");
}

#[test]
fn errors_of_other_statements_reach_their_sender_whole() {
    let mut stage = Stage::at(At::Rotating);
    let mut client = stage.session("chief", OTHER);
    run(
        &mut client,
        "CREATE TEMP TABLE t (a int CONSTRAINT small CHECK (a < 5))",
    );
    let error = client
        .batch_execute("DO $$BEGIN INSERT INTO t VALUES (7); END$$")
        .unwrap_err();
    let told = error.as_db_error().unwrap();
    assert_eq!(told.constraint(), Some("small"));
    assert_eq!(told.table(), Some("t"));
    assert!(
        told.where_().unwrap().contains("PL/pgSQL function"),
        "{told:?}"
    );
    let error = client
        .batch_execute("CREATE TEMP VIEW v AS SELECT nothing FROM t")
        .unwrap_err();
    assert!(error.as_db_error().unwrap().position().is_some());
    // And so do those of role DDL that is none of ours.
    let error = client
        .batch_execute("GRANT nobody_at_all TO bystander")
        .unwrap_err();
    assert_eq!(error.as_db_error().unwrap().routine(), Some("get_role_oid"));
}

#[test]
fn acts_of_the_extension_pass_without_a_trace_while_roles_rotate() {
    let mut stage = Stage::at(At::Rotating);
    run(&mut stage.scene.own, "SELECT credentials.rotate('default')");
    let (mut su, said) = Said::superuser(&stage.scene.cluster, "app");
    for client in [&mut stage.scene.own, &mut su] {
        for statement in [
            "SELECT credentials.create('second')",
            "SELECT credentials.configure('analyst', connection_limit => 7)",
            "SELECT credentials.destroy('second', confirm => 'app')",
            "SELECT credentials.wait('second', '25 s')",
        ] {
            run(client, statement);
        }
    }
    for name in ["analyst", "default"] {
        run(
            &mut su,
            &format!("SELECT credentials.rotate('{name}', force => true)"),
        );
        run(
            &mut su,
            &format!("SELECT credentials.wait('{name}', '25 s')"),
        );
    }
    assert_eq!(said.warnings(), [""; 0]);
    assert_eq!(Stage::recorded(&mut su), 0);
    assert!(!stage.scene.cluster.log().contains("guard, "));
}

#[test]
fn hooks_of_others_are_called_before_and_after_this_one() {
    for libraries in [
        "credential_manager,pg_stat_statements",
        "pg_stat_statements,credential_manager",
    ] {
        let cluster = Cluster::builder()
            .setting("shared_preload_libraries", libraries)
            .start();
        let mut stage = Stage::on(cluster);
        let su = &mut stage.scene.su;
        run(su, "CREATE EXTENSION pg_stat_statements");
        stage.rotate(At::Rotating);
        let mut chief = stage.session("chief", "app");
        expect_error(&mut chief, "GRANT analyst TO bystander", "55006");
        run(&mut chief, "ALTER ROLE bystander CONNECTION LIMIT 77");
        run(
            &mut stage.scene.own,
            "SELECT credentials.configure('analyst', connection_limit => 7)",
        );
        let su = &mut stage.scene.su;
        let counted =
            "SELECT query FROM pg_stat_statements WHERE query LIKE '%CONNECTION LIMIT 77'";
        assert_eq!(column(su, counted).len(), 1, "{libraries}");
        assert_eq!(Stage::recorded(su), 0, "{libraries}");
    }
}

#[test]
fn while_default_rotates_it_is_watched_as_any_other() {
    let mut stage = Stage::new();
    run(&mut stage.scene.own, "SELECT credentials.rotate('default')");
    for statement in [
        "ALTER USER CURRENT_USER PASSWORD NULL",
        "GRANT app_owner TO bystander",
        "GRANT crowd TO \"app_owner-rotating\"",
    ] {
        let state = outcome(&mut stage.scene.own, statement);
        assert_eq!(state, "55006", "{statement}");
    }
    let error = expect_error(
        &mut stage.scene.own,
        "ALTER USER CURRENT_USER PASSWORD NULL",
        "55006",
    );
    let hint = error.as_db_error().unwrap().hint().unwrap().to_owned();
    assert!(
        hint.contains("credentials.rotate('default', force => true)"),
        "{hint}"
    );
}
