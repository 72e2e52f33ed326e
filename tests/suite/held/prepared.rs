//! Prepared transactions that hold the role.

use super::people::{created, owner, ready, Force, MINE};

/// What a prepared transaction does, in which database, and as whom.
struct Case {
    who: &'static str,
    database: &'static str,
    does: &'static str,
}

const BY_ITSELF: [Case; 3] = [
    Case {
        who: "analyst",
        database: "app",
        does: "ALTER ROLE analyst PASSWORD 'mine'",
    },
    Case {
        who: "analyst",
        database: "app",
        does: "SAVEPOINT a; ALTER ROLE analyst PASSWORD 'mine'; SAVEPOINT b; SELECT 1; RELEASE b",
    },
    Case {
        who: "analyst",
        database: "postgres",
        does: "ALTER ROLE analyst PASSWORD 'mine'",
    },
];

#[test]
fn what_the_credential_prepared_to_its_own_role_is_rolled_back_wherever_it_was_made() {
    let cluster = ready();
    for case in BY_ITSELF {
        for force in Force::ALL {
            let old = created(&cluster, "analyst");
            let mut own = cluster.login(case.who, &old, case.database).unwrap();
            let does = case.does.replace("mine", MINE);
            own.batch_execute(&format!("BEGIN; {does}; PREPARE TRANSACTION 'held'"))
                .unwrap();
            drop(own);
            owner(&cluster)
                .batch_execute(&force.sql("analyst"))
                .unwrap();
            force.has_come_about(&cluster, "analyst", &[&old, MINE]);
            let mut superuser = cluster.superuser(case.database);
            let left = superuser
                .query("SELECT FROM pg_prepared_xacts", &[])
                .unwrap();
            assert!(
                left.is_empty(),
                "{force:?}: it is still prepared in {}",
                case.database
            );
            if force != Force::Destroy {
                owner(&cluster)
                    .batch_execute(&Force::Destroy.sql("analyst"))
                    .unwrap();
                Force::Destroy.has_come_about(&cluster, "analyst", &[]);
            }
        }
    }
}

const BY_OTHERS: [Case; 3] = [
    Case {
        who: "app_owner",
        database: "app",
        does: "GRANT SELECT ON public.held TO analyst",
    },
    Case {
        who: "app_owner",
        database: "app",
        does: "REVOKE analyst FROM member",
    },
    Case {
        who: "friend",
        database: "postgres",
        does: "GRANT SELECT ON s.t TO analyst",
    },
];

#[test]
fn what_others_prepared_and_holds_the_role_does_not_stop_its_destruction() {
    let cluster = ready();
    cluster
        .superuser("app")
        .batch_execute(
            "CREATE ROLE reader; CREATE ROLE member; SET ROLE app_owner; CREATE TABLE public.held (i int)",
        )
        .unwrap();
    cluster
        .superuser("postgres")
        .batch_execute(
            "CREATE ROLE friend LOGIN PASSWORD 'a friend of the analyst'; CREATE SCHEMA s AUTHORIZATION friend;
             CREATE TABLE s.t (i int); ALTER TABLE s.t OWNER TO friend",
        )
        .unwrap();
    for case in BY_OTHERS {
        created(&cluster, "analyst");
        cluster
            .superuser("app")
            .batch_execute("GRANT analyst TO member")
            .unwrap();
        let mut holder = match case.who {
            "friend" => cluster
                .login("friend", "a friend of the analyst", case.database)
                .unwrap(),
            _ => owner(&cluster),
        };
        holder
            .batch_execute(&format!("BEGIN; {}; PREPARE TRANSACTION 'held'", case.does))
            .unwrap();
        owner(&cluster)
            .batch_execute(&Force::Destroy.sql("analyst"))
            .unwrap();
        Force::Destroy.has_come_about(&cluster, "analyst", &[]);
        let left = holder.query("SELECT FROM pg_prepared_xacts", &[]).unwrap();
        assert!(left.is_empty(), "{} is still prepared", case.does);
    }
}

#[test]
fn what_the_credential_prepared_of_its_own_work_outlives_a_forced_rotation_and_a_suspension() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(
            "CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO analyst; CREATE TABLE shop.orders (i int); GRANT INSERT ON shop.orders TO analyst",
        )
        .unwrap();
    let mut own = cluster.login("analyst", &old, "app").unwrap();
    own.batch_execute("BEGIN; INSERT INTO shop.orders VALUES (1); PREPARE TRANSACTION 'an order'")
        .unwrap();
    // Held by a second session, so that the worker applies it.
    own.batch_execute(&format!("BEGIN; ALTER ROLE analyst PASSWORD '{MINE}'"))
        .unwrap();
    for force in [Force::Rotate, Force::Suspend] {
        owner(&cluster)
            .batch_execute(&force.sql("analyst"))
            .unwrap();
        force.has_come_about(&cluster, "analyst", &[&old]);
    }
    superuser
        .batch_execute("COMMIT PREPARED 'an order'")
        .unwrap();
    let row = superuser
        .query_one("SELECT count(*) FROM shop.orders", &[])
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 1, "a prepared order was lost");
}
