//! Sessions of a rotating twin: what they make is made by the credential.

use postgres::{Client, Config, NoTls};

use super::Shop;
use crate::scene::{ask, run};

#[test]
fn what_a_twin_makes_is_the_owner_groups_whatever_role_it_has_set() {
    let mut shop = Shop::new();
    run(
        &mut shop.scene.su,
        "SELECT credentials.rotate('migrator', overlap => '10 min'); CREATE SCHEMA own AUTHORIZATION migrator",
    );
    for (number, role) in [
        "",
        "SET ROLE NONE",
        "SET ROLE db_owner_shop",
        "SET ROLE migrator",
    ]
    .into_iter()
    .enumerate()
    {
        let mut twin = twin(&shop);
        run(&mut twin, role);
        let table = format!("shop.by_twin_{number}");
        run(&mut twin, &format!("CREATE TABLE {table} (id serial)"));
        assert_eq!(shop.owner(&table), "db_owner_shop", "{role}");
        shop.is_open(&table);
    }
    run(
        &mut shop.scene.su,
        "SELECT credentials.rotate('migrator', force => true)",
    );
    shop.scene.settle();
    let left = "SELECT count(*) FROM pg_class WHERE relowner NOT IN (SELECT oid FROM pg_roles)";
    assert_eq!(ask(&mut shop.scene.su, left), "0");
    assert_eq!(shop.owner("shop.by_twin_1"), "db_owner_shop");
}

/// A session of the twin.
#[track_caller]
fn twin(shop: &Shop) -> Client {
    let config: Config = shop.scene.cluster.url("migrator").parse().unwrap();
    assert_eq!(config.get_user(), Some("migrator-rotating"));
    config.connect(NoTls).unwrap()
}
