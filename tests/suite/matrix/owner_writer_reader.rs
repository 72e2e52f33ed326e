//! Groups that own, write and read, and logins that deploy, run the app, analyse and monitor.

use super::statements::{all, migration, BESIDE};
use super::{renamed, same, watched, Difference, House, Person, PASSWORD};
use crate::harness::Cluster;
use crate::scene::{run, Scene};

const PEOPLE: [Person; 4] = [
    Person {
        part: "ddl",
        by_hand: "deploy_app",
        ours: "deploy_app",
    },
    Person {
        part: "writer",
        by_hand: "app_user",
        ours: "app_app",
    },
    Person {
        part: "reader",
        by_hand: "analyst_jane",
        ours: "analyst_app",
    },
    Person {
        part: "monitor",
        by_hand: "monitoring_agent",
        ours: "monitor",
    },
];

/// The guide's script.
const SCRIPT: &str = "
    REVOKE ALL ON DATABASE app FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;
    CREATE ROLE db_owner_app NOLOGIN; CREATE ROLE db_writer_app NOLOGIN; CREATE ROLE db_reader_app NOLOGIN;
    CREATE SCHEMA IF NOT EXISTS app_data AUTHORIZATION db_owner_app;
    GRANT USAGE ON SCHEMA app_data TO db_writer_app, db_reader_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE db_owner_app IN SCHEMA app_data GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO db_writer_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE db_owner_app IN SCHEMA app_data GRANT SELECT ON TABLES TO db_reader_app;
    CREATE ROLE deploy_app WITH LOGIN PASSWORD '...'; GRANT db_owner_app TO deploy_app;
    CREATE ROLE app_user WITH LOGIN PASSWORD '...'; GRANT db_writer_app TO app_user;
    CREATE ROLE analyst_jane WITH LOGIN PASSWORD '...'; GRANT db_reader_app TO analyst_jane;
    GRANT pg_monitor TO monitoring_agent;
    ALTER ROLE app_user NOCREATEROLE NOCREATEDB;";

/// What the guide leaves to the reader: the login of the monitoring tool; and what its script forgets, since without it
/// nobody could log in: CONNECT, which it takes from PUBLIC and gives to nobody.
const ASSUMED: &str = "CREATE ROLE monitoring_agent LOGIN PASSWORD '...'";
const FORGOTTEN: &str =
    "GRANT CONNECT ON DATABASE app TO deploy_app, app_user, analyst_jane, monitoring_agent";

/// `as_owner`: a migration that says SET ROLE first, as the guide's default privileges need it; `plain`: one that does
/// not, as migrations are.
fn migrate(house: &mut House) {
    let as_owner = migration("app_data", "as_owner");
    run(
        house.session("ddl"),
        &format!("SET ROLE db_owner_app; {as_owner} RESET ROLE"),
    );
    run(house.session("ddl"), &migration("app_data", "plain"));
}

fn by_hand() -> House {
    let cluster = Cluster::builder().preload(false).start();
    let mut su = cluster.superuser("app");
    run(&mut su, BESIDE);
    run(&mut su, &ASSUMED.replace("...", PASSWORD));
    run(&mut su, &SCRIPT.replace("...", PASSWORD));
    assert!(
        cluster.login("app_user", PASSWORD, "app").is_err(),
        "the script gives CONNECT after all"
    );
    run(&mut su, FORGOTTEN);
    let mut house = House::open(cluster, &PEOPLE, true);
    migrate(&mut house);
    house
}

fn ours() -> House {
    let mut scene = Scene::new();
    run(&mut scene.own, BESIDE);
    let layout = "credentials.layout('owner_writer_reader', 'app', schema => 'app_data')";
    run(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply({layout})"),
    );
    let mut house = House::open(scene.cluster, &PEOPLE, false);
    migrate(&mut house);
    run(&mut scene.su, "SELECT credentials.wait()");
    house
}

const DIFFERENCES: [Difference; 3] = [
    Difference {
        parts: &["writer", "reader"],
        like: &["SELECT last_value FROM"],
        by_hand: "42501",
        ours: "ok",
        why:
            "a dump, which a reader takes, reads sequences: the script gives nobody a right on them",
    },
    Difference {
        parts: &["writer"],
        like: &["SELECT nextval("],
        by_hand: "42501",
        ours: "ok",
        why: "the script forgets the sequences",
    },
    Difference {
        parts: &["writer"],
        like: &["INSERT INTO", "(note)"],
        by_hand: "42501",
        ours: "ok",
        why: "and so a writer by hand writes no row of a table with a serial column",
    },
];

#[test]
fn the_script_by_hand_and_the_layout_give_the_same_answers() {
    let (mut by_hand, mut ours) = (by_hand(), ours());
    let _watched = [watched(&by_hand), watched(&ours)];
    let statements = all("app_data", &["as_owner"]);
    let theirs = by_hand.answers(&statements);
    same(&theirs, &ours.answers(&statements), &DIFFERENCES);
    // A table of a migration that does not say SET ROLE first has no rights by hand: the default privileges
    // are those of the owner's group. Ours are the same whoever makes it, so they are what the script means.
    let plain = renamed(&theirs, "as_owner", "plain");
    let statements: Vec<String> = plain.keys().map(|(_, sql)| sql.clone()).collect();
    same(&plain, &ours.answers(&statements), &DIFFERENCES);
    let read = "SELECT count(*) FROM app_data.plain";
    for part in ["reader", "writer"] {
        let answers = by_hand.answers(&[read.to_owned()]);
        assert_eq!(answers[&(part, read.to_owned())], "42501", "{part}");
    }
}
