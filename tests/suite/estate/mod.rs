//! What the suites `destroy` and `repair` share: a cluster that is set up, a credential with one object of every
//! class, and ways to see who owns what and that no data was lost.

mod classes;

pub use classes::{everything, made_by_superuser};

use std::collections::BTreeMap;

use postgres::Client;

use crate::harness::{wait_until, Cluster, SOON};

/// Who owns an object, by catalog and OID.
pub type Owners = BTreeMap<(String, u32), String>;

/// A cluster with the extension set up, on which tablespaces need no folder.
#[track_caller]
pub fn new() -> Cluster {
    on(Cluster::builder())
}

/// The same with more settings.
#[track_caller]
pub fn on(builder: crate::harness::Builder) -> Cluster {
    let cluster = builder
        .setting("allow_in_place_tablespaces", "on")
        .setting("wal_level", "logical")
        .start();
    cluster.setup();
    cluster
}

/// Runs statements; panics with what the server said.
#[track_caller]
pub fn run(client: &mut Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql) {
        let shown: String = sql.chars().take(300).collect();
        match error.as_db_error() {
            Some(db) => panic!(
                "{}: {} ({:?}) in: {shown}",
                db.code().code(),
                db.message(),
                db.detail()
            ),
            None => panic!("{error} in: {shown}"),
        }
    }
}

/// The first column of all rows, as text.
#[track_caller]
pub fn texts(client: &mut Client, sql: &str) -> Vec<String> {
    let rows = client
        .query(sql, &[])
        .unwrap_or_else(|error| panic!("{error:?} in: {sql}"));
    rows.iter()
        .map(|row| row.get::<_, Option<String>>(0).unwrap_or_default())
        .collect()
}

/// One number.
#[track_caller]
pub fn number(client: &mut Client, sql: &str) -> i64 {
    let row = client
        .query_one(sql, &[])
        .unwrap_or_else(|error| panic!("{error:?} in: {sql}"));
    row.get(0)
}

/// Makes a credential that may connect to `app` and create schemas, and gives its URL.
#[track_caller]
pub fn credential(cluster: &Cluster, name: &str) -> String {
    let mut su = cluster.superuser("app");
    run(
        &mut su,
        &format!("SELECT credentials.create('{name}'); GRANT CREATE, TEMPORARY ON DATABASE app TO \"{name}\""),
    );
    cluster.url(name)
}

/// A session of a credential in `app`.
#[track_caller]
pub fn login(cluster: &Cluster, name: &str) -> Client {
    let url = cluster.url(name);
    cluster
        .connect(&url)
        .unwrap_or_else(|error| panic!("{name}: {error:?}\n{}", cluster.log()))
}

/// Orders a destroy as a superuser; gives the job.
#[track_caller]
pub fn order(client: &mut Client, name: &str, heir: &str) -> i64 {
    let sql = "SELECT job FROM credentials.destroy($1, confirm => 'app', reassign_to => $2)";
    match client.query_one(sql, &[&name, &heir]) {
        Ok(row) => row.get(0),
        Err(error) => panic!("destroy({name}): {error:?}"),
    }
}

/// Destroys a credential and waits until it is gone.
#[track_caller]
pub fn destroy(cluster: &Cluster, name: &str, heir: &str) {
    let mut su = cluster.superuser("app");
    order(&mut su, name, heir);
    wait(cluster, name);
    let left = "SELECT count(*) FROM pg_roles WHERE rolname = $1";
    let left: i64 = su.query_one(left, &[&name]).expect("pg_roles").get(0);
    assert_eq!(left, 0, "the role of {name} is still there");
}

/// Waits for a credential's work, with the jobs as the reason when it does not end.
#[track_caller]
pub fn wait(cluster: &Cluster, name: &str) {
    let mut su = cluster.superuser("app");
    let waited = su.query_one("SELECT state FROM credentials.wait($1, '60 s')", &[&name]);
    if let Err(error) = waited {
        panic!(
            "wait({name}): {error:?}; jobs: {:#?}\n{}",
            jobs(&mut su),
            cluster.log()
        );
    }
}

/// Repairs and waits.
#[track_caller]
pub fn repair(cluster: &Cluster, arguments: &str) {
    run(
        &mut cluster.superuser("app"),
        &format!("SELECT credentials.repair_default({arguments})"),
    );
    wait(cluster, "default");
}

/// The jobs, a line each.
#[track_caller]
pub fn jobs(client: &mut Client) -> Vec<String> {
    texts(client, "SELECT concat_ws(' ', job, kind, name, database, state, done, total, message) FROM credentials.jobs()")
}

/// State and message of a job.
#[track_caller]
pub fn job(client: &mut Client, job: i64) -> (String, String) {
    let row = client.query_one(
        "SELECT state, coalesce(message, '') FROM credentials.jobs() WHERE job = $1",
        &[&job],
    );
    let row = row.expect("the job");
    (row.get(0), row.get(1))
}

/// Waits until a job is in a state with these words in its message.
#[track_caller]
pub fn wait_job(client: &mut Client, number: i64, state: &str, words: &str) {
    let mut last = (String::new(), String::new());
    let what = format!("job {number} is {state}: {words}");
    let end = std::time::Instant::now() + SOON;
    wait_until(&what, SOON * 2, || {
        last = job(client, number);
        let there = last.0 == state && last.1.contains(words);
        assert!(
            there || std::time::Instant::now() < end,
            "waited in vain for {what}; it is {last:?}"
        );
        there
    });
}

/// What the events of a credential tell, as text.
#[track_caller]
pub fn events(client: &mut Client, name: &str) -> String {
    texts(
        client,
        &format!("SELECT action || ' ' || detail::text FROM credentials.events('{name}')"),
    )
    .join("\n")
}

/// Every object with an owner, of all 22 catalogs, and who that is; the server's own left out.
#[track_caller]
pub fn owners(client: &mut Client) -> Owners {
    let columns = "pg_class.relowner pg_proc.proowner pg_type.typowner pg_operator.oprowner pg_opclass.opcowner \
        pg_opfamily.opfowner pg_collation.collowner pg_conversion.conowner pg_ts_config.cfgowner pg_ts_dict.dictowner \
        pg_statistic_ext.stxowner pg_namespace.nspowner pg_largeobject_metadata.lomowner \
        pg_foreign_data_wrapper.fdwowner pg_foreign_server.srvowner pg_language.lanowner pg_publication.pubowner \
        pg_subscription.subowner pg_event_trigger.evtowner pg_extension.extowner pg_database.datdba \
        pg_tablespace.spcowner";
    let selects: Vec<String> = columns
        .split_whitespace()
        .map(|column| {
            let (table, owner) = column.split_once('.').expect("table.column");
            format!(
                "SELECT '{table}', o.oid, coalesce(r.rolname::text, o.{owner}::text) FROM {table} o
                   LEFT JOIN pg_roles r ON r.oid = o.{owner}
                  WHERE o.oid >= 16384 OR '{table}' = 'pg_database' OR '{table}' = 'pg_namespace'"
            )
        })
        .collect();
    let rows = client
        .query(&selects.join(" UNION ALL "), &[])
        .expect("owners");
    rows.iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)))
        .collect()
}

/// Those of them that belong to one role.
pub fn of<'a>(owners: &'a Owners, role: &str) -> Vec<&'a (String, u32)> {
    owners
        .iter()
        .filter(|(_, owner)| *owner == role)
        .map(|(object, _)| object)
        .collect()
}

/// Asserts that what `from` owned before is `to`'s now, and that everybody else has what they had.
#[track_caller]
pub fn assert_moved(before: &Owners, after: &Owners, from: &str, to: &str) {
    for (object, owner) in before {
        // A new TOAST table or statistics are nobody's loss; what was there must be there.
        let now = after
            .get(object)
            .unwrap_or_else(|| panic!("{object:?} of {owner} is lost"));
        let expected = if owner == from { to } else { owner };
        assert_eq!(now, expected, "{object:?} of {owner}");
    }
}

/// A checksum of every table's and materialized view's rows, and of every large object.
#[track_caller]
pub fn contents(client: &mut Client) -> BTreeMap<String, String> {
    let tables = texts(
        client,
        "SELECT oid::regclass::text FROM pg_class
          WHERE relkind IN ('r', 'p', 'm') AND oid >= 16384 AND relnamespace::regnamespace::text !~ '^(pg_|credentials$)'
          ORDER BY 1",
    );
    let mut sums = BTreeMap::new();
    for table in tables {
        let sum = format!("SELECT count(*) || ':' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t");
        sums.insert(table, texts(client, &sum).concat());
    }
    let large =
        "SELECT string_agg(oid || md5(lo_get(oid)), ',' ORDER BY oid) FROM pg_largeobject_metadata";
    sums.insert("large objects".to_owned(), texts(client, large).concat());
    sums
}

/// Tells threads that the test is over, also where it fails: else a failed test would wait for them for ever.
#[derive(Default)]
pub struct Over(std::sync::atomic::AtomicBool);

impl Over {
    /// Whether it is.
    pub fn yet(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Something to hold: it is over when that goes.
    pub fn when_dropped(&self) -> impl Drop + '_ {
        struct Guard<'a>(&'a Over);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                self.0 .0.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        Guard(self)
    }
}
