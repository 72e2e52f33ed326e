//! The places where passwords have been found in other systems, each as one text to look through.

use std::fs;
use std::path::Path;

use postgres::Client;

use crate::harness::Cluster;

/// A place and all that stands in it.
pub struct Place {
    pub name: &'static str,
    pub text: Vec<u8>,
}

/// The cluster in which everything that could repeat a password is switched on.
pub fn talkative() -> Cluster {
    let builder = Cluster::builder()
        .preload_also("pg_stat_statements")
        .preload_also("auto_explain")
        .preload_also("passwordcheck");
    let all = [
        ("log_statement", "all"),
        ("log_min_error_statement", "debug5"),
        ("log_min_messages", "debug1"),
        ("logging_collector", "on"),
        ("log_destination", "stderr,csvlog"),
        ("log_duration", "on"),
        ("log_lock_waits", "on"),
        ("log_error_verbosity", "verbose"),
        ("log_parameter_max_length_on_error", "-1"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
        ("auto_explain.log_verbose", "on"),
        ("auto_explain.log_analyze", "on"),
        ("pg_stat_statements.track", "all"),
        ("pg_stat_statements.track_utility", "on"),
        ("wal_level", "logical"),
        ("track_activity_query_size", "16kB"),
    ];
    let cluster = all
        .iter()
        .fold(builder, |builder, (name, value)| {
            builder.setting(name, value)
        })
        .start();
    let mut su = cluster.superuser("app");
    // Before anything is sealed, so that all of it is decoded.
    su.batch_execute("SELECT pg_create_logical_replication_slot('leak', 'test_decoding')")
        .unwrap();
    su.batch_execute("CREATE EXTENSION pg_stat_statements")
        .unwrap();
    cluster.setup();
    cluster
}

fn column(client: &mut Client, sql: &str) -> Vec<u8> {
    let rows = client
        .query(sql, &[])
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter()
        .map(|row| row.get::<_, Option<String>>(0).unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
        .into_bytes()
}

fn dumped(cluster: &Cluster, program: &str, args: &[&str]) -> Vec<u8> {
    let output = cluster.client_command(program).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// All files below a folder, one after the other.
fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<u8> {
    let (mut folders, mut text) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if wanted(&path) {
                // A file may go away between being seen and being read.
                text.extend(fs::read(&path).unwrap_or_default());
                text.push(b'\n');
            }
        }
    }
    text
}

/// What may hold neither a password nor a verifier.
pub fn told(cluster: &Cluster) -> Vec<Place> {
    let mut su = cluster.superuser("app");
    let mut default = cluster.connect(&cluster.url("default")).unwrap();
    su.batch_execute("ANALYZE; CHECKPOINT").unwrap();
    let logs = cluster.data_dir().join("log");
    let csv = |path: &Path| path.extension().is_some_and(|e| e == "csv");
    let statements = "SELECT query FROM pg_stat_statements";
    // The server samples its own pg_authid, for those who can read it anyway.
    let statistics = "SELECT concat_ws(' ', most_common_vals::text, histogram_bounds::text, most_common_elems::text)
           FROM pg_stats WHERE tablename <> 'pg_authid'";
    let activity = "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
    let stderr = [
        fs::read(cluster.home().join("server.log")).unwrap(),
        files(&logs, &|p| !csv(p)),
    ];
    let place = |name, text| Place { name, text };
    vec![
        place("the stderr log", stderr.concat()),
        place("the csvlog", files(&logs, &csv)),
        place(
            "pg_stat_statements, as a superuser",
            column(&mut su, statements),
        ),
        place(
            "pg_stat_statements, as default",
            column(&mut default, statements),
        ),
        place("pg_stats", column(&mut su, statistics)),
        place(
            "pg_stats, as default",
            column(&mut default, &statistics.replace("pg_authid", "")),
        ),
        place("pg_stat_activity", column(&mut su, activity)),
        place(
            "pg_stat_activity, as default",
            column(&mut default, activity),
        ),
        place(
            "events()",
            column(&mut su, "SELECT e::text FROM credentials.events() e"),
        ),
        place(
            "jobs()",
            column(&mut su, "SELECT j::text FROM credentials.jobs() j"),
        ),
        place(
            "list()",
            column(&mut su, "SELECT l::text FROM credentials.list() l"),
        ),
    ]
}

/// What holds verifiers by design, and may hold no password.
pub fn kept(cluster: &Cluster) -> Vec<Place> {
    let mut su = cluster.superuser("app");
    let decoded = column(
        &mut su,
        "SELECT data FROM pg_logical_slot_peek_changes('leak', NULL, NULL)",
    );
    let place = |name, text| Place { name, text };
    let mut places = vec![
        place("a logical slot", decoded),
        place("pg_dump", dumped(cluster, "pg_dump", &["app"])),
        place("pg_dumpall", dumped(cluster, "pg_dumpall", &[])),
    ];
    su.batch_execute("CHECKPOINT").unwrap();
    let data = cluster.data_dir();
    places.push(place("the WAL", files(&data.join("pg_wal"), &|_| true)));
    places.push(place("the data directory", files(&data, &|_| true)));
    places
}

/// The places that hold one of the needles.
pub fn holding(places: &[Place], needles: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for place in places {
        assert!(!place.text.is_empty(), "nothing in {}", place.name);
        // As text, since the standard library's search is quick even in a debug build.
        let text = String::from_utf8_lossy(&place.text);
        found.extend(
            needles
                .iter()
                .filter(|needle| text.contains(needle.as_str()))
                .map(|needle| format!("{} holds {needle}", place.name)),
        );
    }
    found
}
