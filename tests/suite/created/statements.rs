//! By whichever statement.

use super::Shop;
use crate::scene::{outcome, run};

#[test]
fn whatever_makes_a_table_it_is_readable_at_once() {
    let mut shop = Shop::new();
    for (table, statement) in [
        ("plain", "CREATE TABLE shop.plain (id int)"),
        ("made_as", "CREATE TABLE shop.made_as AS SELECT 1 AS id"),
        ("selected", "SELECT 1 AS id INTO shop.selected"),
        (
            "likewise",
            "CREATE TABLE shop.likewise (LIKE shop.plain INCLUDING ALL)",
        ),
        (
            "parent",
            "CREATE TABLE shop.parent (id int) PARTITION BY LIST (id)",
        ),
        (
            "part",
            "CREATE TABLE shop.part PARTITION OF shop.parent FOR VALUES IN (1)",
        ),
        ("child", "CREATE TABLE shop.child () INHERITS (shop.plain)"),
        ("unlogged", "CREATE UNLOGGED TABLE shop.unlogged (id int)"),
        (
            "viewed",
            "CREATE VIEW shop.viewed AS SELECT id FROM shop.plain",
        ),
    ] {
        run(&mut shop.migrator, statement);
        shop.is_open(&format!("shop.{table}"));
    }
    run(
        &mut shop.migrator,
        "CREATE MATERIALIZED VIEW shop.kept AS SELECT 1 AS id; REFRESH MATERIALIZED VIEW shop.kept",
    );
    assert_eq!(shop.read("shop.kept"), "");
    assert_eq!(outcome(&mut shop.writer, "SELECT FROM shop.kept"), "");
}
