//! The four roles: a user, a migrator and a reader of an app, and its dba.

use super::statements::{all, migration, BESIDE};
use super::{same, watched, Difference, House, Person, PASSWORD};
use crate::harness::Cluster;
use crate::scene::{run, Scene};

const PEOPLE: [Person; 3] = [
    Person {
        part: "writer",
        by_hand: "app_user",
        ours: "app_user",
    },
    Person {
        part: "ddl",
        by_hand: "app_migrator",
        ours: "app_migrator",
    },
    Person {
        part: "reader",
        by_hand: "app_readonly",
        ours: "app_readonly",
    },
];

/// The guide's script, to the point where the schema is there.
const SCRIPT: &str = "
    CREATE ROLE app_user LOGIN PASSWORD '...';
    CREATE ROLE app_migrator LOGIN PASSWORD '...';
    CREATE ROLE app_readonly LOGIN PASSWORD '...';
    CREATE SCHEMA application AUTHORIZATION app_migrator;";

/// The rest of it.
const RIGHTS: &str = "
    GRANT USAGE ON SCHEMA application TO app_user;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA application TO app_user;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA application TO app_user;
    ALTER DEFAULT PRIVILEGES FOR ROLE app_migrator IN SCHEMA application
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app_user;
    ALTER DEFAULT PRIVILEGES FOR ROLE app_migrator IN SCHEMA application
    GRANT USAGE ON SEQUENCES TO app_user;
    GRANT USAGE ON SCHEMA application TO app_readonly;
    GRANT SELECT ON ALL TABLES IN SCHEMA application TO app_readonly;
    ALTER DEFAULT PRIVILEGES FOR ROLE app_migrator IN SCHEMA application
    GRANT SELECT ON TABLES TO app_readonly;";

fn by_hand() -> House {
    let cluster = Cluster::builder().preload(false).start();
    let mut su = cluster.superuser("app");
    run(&mut su, BESIDE);
    run(&mut su, &SCRIPT.replace("...", PASSWORD));
    let mut house = House::open(cluster, &PEOPLE, true);
    run(house.session("ddl"), &migration("application", "before"));
    run(&mut su, RIGHTS);
    run(house.session("ddl"), &migration("application", "after"));
    house
}

fn ours() -> House {
    let mut scene = Scene::new();
    run(&mut scene.own, BESIDE);
    let layout = "credentials.layout('four_roles', 'app', schema => 'application')";
    // The migrator comes first, and makes a table before the others are there.
    let first = "#- '{credentials,app_user}' #- '{credentials,app_readonly}'";
    run(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply({layout} {first})"),
    );
    run(
        &mut scene.login("app_migrator"),
        &migration("application", "before"),
    );
    scene.settle();
    run(
        &mut scene.own,
        &format!("SELECT * FROM credentials.apply({layout})"),
    );
    let mut house = House::open(scene.cluster, &PEOPLE, false);
    run(house.session("ddl"), &migration("application", "after"));
    run(&mut scene.su, "SELECT credentials.wait()");
    house
}

const DIFFERENCES: [Difference; 3] = [
    Difference {
        parts: &["writer", "reader"],
        like: &["SELECT last_value FROM"],
        by_hand: "42501",
        ours: "ok",
        why: "a dump, which a reader takes, reads sequences: the guide gives nobody SELECT on them",
    },
    Difference {
        parts: &["writer", "reader", "ddl"],
        like: &["CREATE TEMP TABLE"],
        by_hand: "ok",
        ours: "42501",
        why: "the guide leaves to PUBLIC what it has; setup() takes TEMPORARY from it",
    },
    Difference {
        parts: &["writer", "reader", "ddl"],
        like: &["FROM public.shared"],
        by_hand: "ok",
        ours: "42501",
        why: "the guide leaves to PUBLIC what it has; setup() takes schema public from it (CVE-2018-1058)",
    },
];

#[test]
fn the_script_by_hand_and_the_layout_give_the_same_answers() {
    let (mut by_hand, mut ours) = (by_hand(), ours());
    let statements = all("application", &["before", "after"]);
    let _watched = [watched(&by_hand), watched(&ours)];
    let theirs = by_hand.answers(&statements);
    same(&theirs, &ours.answers(&statements), &DIFFERENCES);
}
