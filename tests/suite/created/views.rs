//! A view reads with its owner's rights. The group that owns a schema gets the views that it can keep working.

use super::Shop;
use crate::scene::run;

/// A table that default and the migrator may read, and the group that owns the shop may not.
const ELSEWHERE: &str = "
    CREATE SCHEMA far; CREATE TABLE far.secret (i int); INSERT INTO far.secret VALUES (42);
    GRANT USAGE, CREATE ON SCHEMA far TO migrator; GRANT SELECT ON far.secret TO migrator";

#[test]
fn a_view_of_what_the_owner_group_may_not_read_stays_its_makers_and_goes_on_working() {
    let mut shop = Shop::new();
    run(&mut shop.scene.own, ELSEWHERE);
    for maker in ["app_owner", "migrator"] {
        let mut makers = shop.makers();
        let client = &mut makers.iter_mut().find(|m| m.0 == maker).unwrap().1;
        run(
            client,
            &format!(
                "CREATE VIEW shop.v_{maker} AS SELECT * FROM far.secret;
                 CREATE VIEW shop.of_it_{maker} AS SELECT * FROM shop.v_{maker};
                 CREATE MATERIALIZED VIEW shop.m_{maker} AS SELECT * FROM far.secret;
                 REFRESH MATERIALIZED VIEW shop.m_{maker};
                 CREATE VIEW far.moved_{maker} AS SELECT * FROM far.secret;
                 ALTER VIEW far.moved_{maker} SET SCHEMA shop"
            ),
        );
        for view in ["v", "of_it", "m", "moved"] {
            let view = format!("shop.{view}_{maker}");
            let asked = format!("SELECT i FROM {view}");
            assert_eq!(shop.read(&view), "", "{view}");
            run(&mut shop.scene.own, &asked);
            assert_eq!(shop.owner(&view), maker, "{view}");
        }
    }
}

#[test]
fn a_view_of_what_the_owner_group_may_read_is_the_groups_and_so_is_one_that_asks_its_reader() {
    let mut shop = Shop::new();
    run(&mut shop.scene.own, ELSEWHERE);
    run(
        &mut shop.scene.own,
        "CREATE TABLE far.open (i int); GRANT SELECT ON far.open TO db_owner_shop, reader;
         GRANT USAGE ON SCHEMA far TO reader",
    );
    run(
        &mut shop.migrator,
        "CREATE TABLE shop.t (i int);
         CREATE VIEW shop.inside AS SELECT * FROM shop.t;
         CREATE MATERIALIZED VIEW shop.kept AS SELECT * FROM shop.t;
         CREATE VIEW shop.constant AS SELECT 1 AS i",
    );
    run(
        &mut shop.scene.own,
        "CREATE VIEW shop.open AS SELECT * FROM far.open;
         CREATE VIEW shop.asks WITH (security_invoker) AS SELECT * FROM far.secret",
    );
    for view in ["inside", "kept", "constant", "open", "asks"] {
        assert_eq!(
            shop.owner(&format!("shop.{view}")),
            "db_owner_shop",
            "{view}"
        );
    }
    for view in ["inside", "kept", "constant", "open"] {
        assert_eq!(shop.read(&format!("shop.{view}")), "", "{view}");
    }
    assert_eq!(
        shop.read("shop.asks"),
        "42501",
        "the reader has no right there"
    );
}
