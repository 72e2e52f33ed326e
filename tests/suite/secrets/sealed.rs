//! What is sealed tells nothing, and opens only where it was put.

use super::{ready, text};
use crate::harness::expect_error;

#[test]
fn equal_passwords_are_sealed_differently() {
    let (mut su, _cluster) = ready();
    let same = "'the same password of them all!'";
    for sql in [
        format!("SELECT credentials.create('alice', password => {same})"),
        format!("SELECT credentials.create('bob', password => {same})"),
    ] {
        su.batch_execute(&sql).unwrap();
    }
    let one_of = "SELECT s.sealed::text FROM credentials.secret s JOIN pg_roles r ON r.oid = s.role WHERE rolname =";
    let mut seen = vec![text(&mut su, &format!("{one_of} 'bob'"))];
    for _ in 0..3 {
        su.batch_execute(&format!("SELECT credentials.set_password('alice', {same})"))
            .unwrap();
        seen.push(text(&mut su, &format!("{one_of} 'alice'")));
    }
    // Behind the nonce too, so that nobody sees that two are equal: `\x`, 9 bytes of header, 24 of nonce.
    let tails: std::collections::HashSet<&str> =
        seen.iter().map(|sealed| &sealed[2 + 66..]).collect();
    assert_eq!(tails.len(), seen.len());
    assert_eq!(seen[0].len(), 2 + 2 * (1 + 8 + 24 + 30 + 16));
}

#[test]
fn what_a_superuser_moves_between_rows_opens_for_nobody() {
    let (mut su, cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice'); SELECT credentials.create('bob')")
        .unwrap();
    let urls = ["alice", "bob"].map(|name| cluster.url(name));
    let role = |name: &str| format!("(SELECT oid FROM pg_roles WHERE rolname = '{name}')");
    let (alice, bob) = (role("alice"), role("bob"));
    for tampering in [
        // The other's envelope, in both rows.
        format!(
            "UPDATE credentials.secret s SET sealed = o.sealed FROM credentials.secret o
              WHERE s.role IN ({alice}, {bob}) AND o.role IN ({alice}, {bob}) AND s.role <> o.role"
        ),
        // The other's row, as it is.
        "UPDATE credentials.credential c SET secret = o.secret FROM credentials.credential o
          WHERE c.name IN ('alice', 'bob') AND o.name IN ('alice', 'bob') AND c.name <> o.name"
            .to_owned(),
        // The other's row, given to the role.
        format!(
            "UPDATE credentials.secret s SET role = CASE WHEN s.role = {alice} THEN {bob} ELSE {alice} END WHERE s.role IN ({alice}, {bob});
             UPDATE credentials.credential c SET secret = o.secret FROM credentials.credential o
              WHERE c.name IN ('alice', 'bob') AND o.name IN ('alice', 'bob') AND c.name <> o.name"
        ),
        // A number of its own, and the credential that follows it.
        "UPDATE credentials.secret SET id = DEFAULT; UPDATE credentials.credential c SET secret = s.id FROM credentials.secret s WHERE s.role = c.role".to_owned(),
        // A byte of each part: format, key id, nonce, text, tag.
        "UPDATE credentials.secret SET sealed = set_byte(sealed, 0, 2)".to_owned(),
        "UPDATE credentials.secret SET sealed = set_byte(sealed, 3, get_byte(sealed, 3) # 1)".to_owned(),
        "UPDATE credentials.secret SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)".to_owned(),
        "UPDATE credentials.secret SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)".to_owned(),
        "UPDATE credentials.secret SET sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)".to_owned(),
        "UPDATE credentials.secret SET sealed = ''".to_owned(),
        "DELETE FROM credentials.secret".to_owned(),
        // Another installation.
        "UPDATE credentials.installation SET system_identifier = system_identifier + 1".to_owned(),
    ] {
        su.batch_execute(&format!("BEGIN; {tampering}")).unwrap();
        for name in ["alice", "bob"] {
            su.batch_execute("SAVEPOINT s").unwrap();
            expect_error(&mut su, &format!("SELECT credentials.url('{name}')"), "55000");
            su.batch_execute("ROLLBACK TO s").unwrap();
            expect_error(&mut su, &format!("SELECT * FROM credentials.connection_info('{name}')"), "55000");
            su.batch_execute("ROLLBACK TO s").unwrap();
        }
        su.batch_execute("ROLLBACK").unwrap();
    }
    assert_eq!(["alice", "bob"].map(|name| cluster.url(name)), urls);
}
