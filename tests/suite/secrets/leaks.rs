//! After the whole life of credentials no password stands anywhere it should not: greps of all there is, on a cluster
//! that logs, counts, explains and decodes whatever it can.

use super::life::{Life, Over};
use super::places::{holding, kept, talkative, told};
use super::records;
use crate::harness::{wait_until, SOON};

#[test]
fn no_password_or_verifier_is_left_anywhere_after_a_life_with_an_error_at_each_step() {
    let cluster = talkative();
    let mut life = Life::new(&cluster);
    life.with_sealed_passwords();
    life.with_errors();
    life.with_new_keys();
    life.without_a_key_file();
    let Over {
        made,
        typed,
        in_blocks,
        verifiers,
    } = life.over();
    let counts = (made.len(), typed.len(), verifiers.len());
    assert!(
        counts > (30, 0, 0) && typed.len() > 20 && verifiers.len() > 30,
        "{counts:?}"
    );
    let (told, kept) = (told(&cluster), kept(&cluster));
    let mut found = holding(&told, &made);
    found.extend(holding(&kept, &made));
    found.extend(holding(&told, &verifiers));
    assert!(
        found.is_empty(),
        "{} finds:\n{}",
        found.len(),
        found.join("\n")
    );

    // What a caller typed stands in the log, as the caller's own statement and nowhere else.
    let stray = records::stray(&cluster, &typed);
    assert!(
        stray.is_empty(),
        "{} finds:\n{}",
        stray.len(),
        stray.join("\n")
    );
    let logs = ["the stderr log", "the csvlog", "the data directory"];
    let plain: Vec<_> = typed
        .iter()
        .filter(|t| !in_blocks.contains(t))
        .cloned()
        .collect();
    let (counted, elsewhere): (Vec<_>, Vec<_>) = told
        .into_iter()
        .chain(kept)
        .filter(|place| !logs.contains(&place.name))
        .partition(|place| place.name.starts_with("pg_stat_statements"));
    // What the server writes of a role's row into its own log of changes holds the row's verifier.
    let (wal, elsewhere): (Vec<_>, Vec<_>) = elsewhere
        .into_iter()
        .partition(|place| place.name == "the WAL");
    let (_, passwords): (Vec<_>, Vec<_>) = typed
        .iter()
        .cloned()
        .partition(|typed| typed.starts_with("SCRAM-SHA-256$"));
    assert_eq!((wal.len(), passwords.len() + 1), (1, typed.len()));
    let mut found = holding(&elsewhere, &typed);
    found.extend(holding(&wal, &passwords));
    found.extend(holding(&counted, &plain));
    assert!(
        found.is_empty(),
        "{} finds:\n{}",
        found.len(),
        found.join("\n")
    );
    assert!(
        records::records(&cluster)
            .iter()
            .any(|record| record.iter().any(|field| field.contains(&typed[0]))),
        "nothing typed was logged"
    );
}

#[test]
fn a_password_planted_in_each_place_would_be_found() {
    let cluster = talkative();
    let mut su = cluster.superuser("app");
    let planted = "Qz7pLm2VxW9tRk4s";
    su.batch_execute(&format!(
        "CREATE TABLE planted AS SELECT i, 'Qz7pLm2V' || 'xW9tRk4s' AS password FROM generate_series(1, 20) i;
         GRANT SELECT ON planted TO app_owner;
         INSERT INTO credentials.event (at, action, name, effective_role, outer_role, session_role) VALUES (now(), 'url', '{planted}', '', '', '');
         INSERT INTO credentials.job (kind, role, name, state, stage, requested_by, created_at, updated_at, due_at)
         VALUES ('repair', 1, '{planted}', 'done', 'finished', '', now(), now(), now());
         UPDATE credentials.credential SET last_login_at = NULL; SELECT credentials.create('{planted}')"
    ))
    .unwrap();
    let mut idle = cluster.superuser("app");
    idle.batch_execute(&format!("COMMENT ON TABLE planted IS '{planted}'"))
        .unwrap();
    let needles = [planted.to_owned()];
    let places = told(&cluster)
        .into_iter()
        .chain(kept(&cluster))
        .collect::<Vec<_>>();
    let blind: Vec<_> = places
        .iter()
        .filter(|place| holding(std::slice::from_ref(place), &needles).is_empty())
        .map(|place| place.name)
        .collect();
    assert_eq!(blind, [] as [&str; 0], "planted and not found");
    // And the reader of records: a typed password in an error's message, in a CONTEXT, in a DETAIL.
    for stray in [
        format!("DO $$ BEGIN RAISE WARNING '{planted}'; END $$"),
        format!("DO $$ BEGIN RAISE WARNING 'x' USING DETAIL = '{planted}'; END $$"),
        format!("DO $$ BEGIN EXECUTE $e$ DO $i$ BEGIN RAISE WARNING 'y'; END $i$ -- {planted} $e$; END $$"),
    ] {
        let before = records::stray(&cluster, &needles).len();
        su.batch_execute(&stray).unwrap();
        // The log goes through the collector, which may be behind.
        wait_until(&format!("it is found: {stray}"), SOON, || {
            records::stray(&cluster, &needles).len() > before
        });
    }
}
