//! What the flat role may be: unmanaged, a credential, default.

use super::{apply, flat, owners, works, writes_nothing, MADE, STAGES};
use crate::scene::{ask, run, Scene};

#[test]
fn a_credential_that_did_everything_is_left_by_default_alone_and_rotates_meanwhile() {
    let mut scene = Scene::new();
    let mut store = scene.credential("store");
    run(&mut scene.su, "CREATE SCHEMA shop AUTHORIZATION store");
    run(&mut store, MADE);
    for stage in STAGES {
        apply(&mut scene.own, "store", stage);
        scene.settle();
        works(&mut store);
        writes_nothing(&mut scene.own, "store", stage);
    }
    run(
        &mut scene.own,
        "SELECT credentials.rotate('store', overlap => '0')",
    );
    // The twin stands for it at every stage, and so does the old session.
    let mut twin = scene.login("store");
    works(&mut twin);
    works(&mut store);
    apply(&mut scene.own, "store", "prepare");
    works(&mut twin);
    drop((store, twin));
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["store"]);
    let mut store = scene.login("store");
    works(&mut store);
}

#[test]
fn default_as_the_flat_role_keeps_its_schema_on_the_way_back() {
    let mut scene = Scene::new();
    run(&mut scene.own, "CREATE SCHEMA shop");
    run(&mut scene.own, MADE);
    for (role, stage) in [
        ("default", "prepare"),
        ("app_owner", "grant"),
        ("default", "login"),
    ] {
        apply(&mut scene.own, role, stage);
        works(&mut scene.own);
        scene.settle();
        works(&mut scene.own);
        writes_nothing(&mut scene.own, role, stage);
    }
    assert_eq!(owners(&mut scene.su), ["db_owner_shop"]);
    let mut user = scene.login("shop_user");
    run(&mut user, "INSERT INTO shop.orders (word) VALUES ('z')");
    apply(&mut scene.own, "default", "prepare");
    works(&mut scene.own);
    scene.settle();
    assert_eq!(owners(&mut scene.su), ["app_owner"]);
    works(&mut scene.own);
    writes_nothing(&mut scene.own, "default", "prepare");
}

#[test]
fn a_schema_that_was_defaults_goes_back_to_default_and_what_is_in_it_to_the_flat_role() {
    let mut scene = Scene::new();
    let mut shop = scene.stranger("shop", "");
    run(&mut scene.own, "CREATE SCHEMA shop");
    run(&mut scene.su, "GRANT USAGE, CREATE ON SCHEMA shop TO shop");
    run(&mut shop, MADE);
    apply(&mut scene.su, "shop", "grant");
    scene.settle();
    apply(&mut scene.su, "shop", "prepare");
    scene.settle();
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'shop'";
    assert_eq!(
        ask(&mut scene.su, &format!("SELECT ({owner})::text")),
        "app_owner"
    );
    let tables = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'shop'::regnamespace";
    assert_eq!(ask(&mut scene.su, tables), "shop");
    works(&mut shop);
}

#[test]
fn a_role_with_an_odd_name_is_left_like_any_other() {
    let mut scene = Scene::new();
    let name = "Sh\"op\n'; DROP";
    let quoted = name.replace('"', "\"\"");
    run(&mut scene.su, &format!("CREATE ROLE \"{quoted}\" LOGIN PASSWORD 'a-password-of-a-stranger'; GRANT CONNECT ON DATABASE app TO \"{quoted}\""));
    run(
        &mut scene.su,
        &format!("CREATE SCHEMA shop AUTHORIZATION \"{quoted}\""),
    );
    let mut odd = scene
        .cluster
        .login(name, "a-password-of-a-stranger", "app")
        .unwrap();
    run(&mut odd, MADE);
    for stage in ["login", "prepare"] {
        apply(&mut scene.su, name, stage);
        works(&mut odd);
        scene.settle();
        writes_nothing(&mut scene.su, name, stage);
    }
    let owned = format!("SELECT count(*) FROM pg_class WHERE relowner = to_regrole('\"{}\"') AND relnamespace = 'shop'::regnamespace", quoted.replace('\'', "''"));
    assert_ne!(ask(&mut scene.su, &owned), "0");
}

#[test]
fn what_others_of_the_cluster_may_not_is_not_opened_by_a_flat_set_up() {
    let mut scene = Scene::new();
    let _shop = flat(&mut scene);
    apply(&mut scene.su, "shop", "login");
    scene.settle();
    // PUBLIC has nothing on the schema, and the groups are nobody else's.
    let open = "SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) a WHERE nspname = 'shop' AND grantee = 0";
    assert_eq!(ask(&mut scene.su, open), "0");
    let members = "SELECT string_agg(member::regrole::text, ' ' ORDER BY member::regrole::text) FROM pg_auth_members WHERE roleid = 'db_owner_shop'::regrole";
    assert_eq!(ask(&mut scene.su, members), "app_owner shop shop_migrator");
}
