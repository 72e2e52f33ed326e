//! The real prometheus-postgres-exporter with the query file of examples/monitoring.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;

use crate::harness::programs::{checkout, program};
use crate::harness::{free_port, wait_until, Cluster, SOON};
use crate::scene::{run, Scene};

/// A running exporter; it ends with the value.
struct Exporter {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Exporter {
    /// As docs/apps.md starts it.
    #[track_caller]
    fn start(cluster: &Cluster, password: &str) -> Exporter {
        let port = free_port();
        let log = cluster.home().join("exporter.log");
        let server = cluster.port();
        let child = program("/usr/bin/prometheus-postgres-exporter")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--disable-default-metrics", "--disable-settings-metrics"])
            .args(["--no-collector.database", "--no-collector.bgwriter"])
            .arg("--extend.query-path")
            .arg(checkout("examples/monitoring/queries.yaml"))
            .env(
                "DATA_SOURCE_NAME",
                format!("postgres://exporter:{password}@127.0.0.1:{server}/app?sslmode=disable"),
            )
            .stderr(File::create(&log).expect("the exporter's log"))
            .spawn()
            .expect("the exporter: run `make one T=…`, which installs it");
        let exporter = Exporter { child, port, log };
        wait_until("the exporter answers", SOON, || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        exporter
    }

    /// What Prometheus would read, the lines of ours alone.
    #[track_caller]
    fn scrape(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the exporter");
        let mut answer = String::new();
        stream
            .write_all(b"GET /metrics HTTP/1.0\r\n\r\n")
            .expect("to ask the exporter");
        stream.read_to_string(&mut answer).expect("its answer");
        assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
        assert!(
            answer.contains("pg_exporter_last_scrape_error 0"),
            "{}",
            fs::read_to_string(&self.log).unwrap_or_default()
        );
        let ours = |line: &&str| line.starts_with("credential_manager_");
        answer.lines().filter(ours).map(without_server).collect()
    }
}

/// The label that the exporter adds to each line.
fn without_server(line: &str) -> String {
    let Some(start) = line.find("server=\"") else {
        return line.to_owned();
    };
    let length = line[start + 8..].find('"').expect("a closing quote") + 9;
    let (before, after) = (&line[..start], &line[start + length..]);
    format!("{}{after}", before.trim_end_matches(',')).replace("{,", "{")
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_scrape_of_the_real_exporter_has_every_figure_with_its_labels() {
    let mut s = Scene::new();
    let _session = s.credential("shop");
    let mut other = s.credential("reports");
    run(&mut s.su, "GRANT CREATE ON SCHEMA public TO reports");
    run(
        &mut other,
        "CREATE TABLE public.a (); CREATE TABLE public.busy ()",
    );
    let mut reader = s.cluster.superuser("app");
    run(
        &mut reader,
        "BEGIN; LOCK TABLE public.busy IN ACCESS SHARE MODE",
    );
    let password = "what-the-exporter-logs-in-with";
    run(
        &mut s.su,
        &format!(
            "CREATE ROLE exporter LOGIN PASSWORD '{password}' CONNECTION LIMIT 3;
             GRANT CONNECT ON DATABASE app TO exporter; GRANT USAGE ON SCHEMA credentials TO exporter;
             GRANT EXECUTE ON FUNCTION credentials.metrics() TO exporter"
        ),
    );
    run(
        &mut s.own,
        "SELECT credentials.rotate('shop', grace => '1 hour', overlap => '1 hour');
         SELECT credentials.destroy('reports', 'app')",
    );
    let exporter = Exporter::start(&s.cluster, password);
    let half = r#"credential_manager_job_done_ratio{job="2",kind="destroy",name="reports"} 0.5"#;
    let mut lines = Vec::new();
    wait_until("one of two tables is moved", SOON, || {
        lines = exporter.scrape();
        lines.iter().any(|line| line == half)
    });
    for line in [
        r#"credential_manager_credentials_count{state="active"} 1"#,
        r#"credential_manager_credentials_count{state="rotating"} 1"#,
        r#"credential_manager_credentials_count{state="destroying"} 1"#,
        r#"credential_manager_credentials_count{state="foreign"} 0"#,
        r#"credential_manager_connections_open{name="shop",username="shop"} 1"#,
        r#"credential_manager_connections_open{name="shop",username="shop-rotating"} 0"#,
        r#"credential_manager_jobs_count{kind="rotate",state="waiting"} 1"#,
        r#"credential_manager_events_total{action="create"} 2"#,
    ] {
        assert!(
            lines.iter().any(|l| l == line),
            "{line} in\n{}",
            lines.join("\n")
        );
    }
    for start in [
        r#"credential_manager_credential_age_seconds{name="default"} "#,
        r#"credential_manager_credential_age_seconds{name="shop"} "#,
        r#"credential_manager_rotation_seconds_left{name="shop"} 3"#,
    ] {
        assert!(
            lines.iter().any(|l| l.starts_with(start)),
            "{start} in\n{}",
            lines.join("\n")
        );
    }
    run(&mut reader, "COMMIT");
    run(&mut s.su, "SELECT credentials.wait('reports')");
    let gone = r#"credential_manager_jobs_count{kind="destroy",state="done"} 1"#;
    assert!(exporter.scrape().iter().any(|line| line == gone));
}
