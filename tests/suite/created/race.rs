//! Between a first grant and a CREATE nothing falls: one waits for the other, or is seen by it.

use super::Shop;
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, run};

/// How many wait for one of our locks on groups.
const WAITING: &str = "SELECT count(*) FROM pg_locks
     WHERE NOT granted AND locktype = 'object' AND classid = 'credentials.access_group'::regclass";

#[test]
fn a_first_grant_that_has_not_ended_is_waited_for_and_lock_timeout_says_what_for() {
    let mut shop = Shop::new();
    run(&mut shop.scene.su, "DELETE FROM credentials.access_group");
    // As the first grant takes it.
    let mut granting = shop.scene.cluster.superuser("app");
    run(
        &mut granting,
        "BEGIN; SELECT credentials.grant('reader', 'read_only', '{shop}')",
    );
    let error = shop
        .stranger
        .batch_execute("SET lock_timeout = '50ms'; CREATE TABLE shop.t (id int)")
        .unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "55P03");
    assert_eq!(
        error.message(),
        "the rights on what was made could not be settled in time"
    );
    run(&mut shop.stranger, "RESET lock_timeout");
    let mut stranger = shop.scene.cluster.superuser("app");
    let making = std::thread::spawn(move || run(&mut stranger, "CREATE TABLE shop.t (id int)"));
    wait_until("the maker waits", SOON, || {
        ask(&mut shop.scene.su, WAITING) == "1"
    });
    run(&mut granting, "COMMIT");
    making.join().unwrap();
    assert_eq!(shop.read("shop.t"), "");
}
