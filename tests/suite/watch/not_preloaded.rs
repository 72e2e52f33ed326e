//! Where the library is not preloaded, or the server is not a server, nothing acts and every function refuses.

use std::io::Write;
use std::process::{Child, Stdio};

use rustix::process::{kill_process, Pid, Signal};

use crate::harness::{expect_error, wait_until, SOON};
use crate::held::people::{created, ready};

/// A call of every function of ours, NULL for each argument.
const EVERY_CALL: &str = "SELECT format('SELECT credentials.%I(%s)', p.proname,
       (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, n)))
  FROM pg_proc p WHERE p.pronamespace = 'credentials'::regnamespace ORDER BY 1";

#[test]
fn a_load_in_a_session_of_a_server_without_preload_defines_nothing_and_every_function_refuses() {
    let cluster = ready();
    created(&cluster, "analyst");
    cluster.append_conf("shared_preload_libraries = ''");
    cluster.restart();
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute("LOAD 'credential_manager'")
        .unwrap();
    let defined = "SELECT name FROM pg_settings WHERE name LIKE 'credential_manager.%'";
    assert!(
        superuser.query(defined, &[]).unwrap().is_empty(),
        "a setting was defined"
    );
    let calls = superuser.query(EVERY_CALL, &[]).unwrap();
    assert!(calls.len() > 20);
    for call in calls {
        let call: String = call.get(0);
        let error = expect_error(&mut superuser, &call, "55000");
        let hint = error
            .as_db_error()
            .unwrap()
            .hint()
            .unwrap_or_default()
            .to_owned();
        assert!(
            hint.contains("shared_preload_libraries = 'credential_manager'"),
            "{call}: {hint}"
        );
    }
    let watch = "SELECT FROM pg_stat_activity WHERE backend_type LIKE 'credential_manager%'";
    assert!(superuser.query(watch, &[]).unwrap().is_empty());
}

#[test]
fn a_single_user_server_with_the_library_preloaded_runs_statements_and_the_functions_refuse() {
    let cluster = ready();
    created(&cluster, "analyst");
    cluster.stop();
    let mut single = cluster
        .client_command("postgres")
        .args([
            "--single",
            "-D",
            cluster.data_dir().to_str().unwrap(),
            "app",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = single.stdin.take().unwrap();
    input
        .write_all(b"SELECT 6 * 7 AS answer;\nSELECT credentials.rotate('analyst', force => true);\nSELECT credentials.list();\nSELECT 'still here' AS here;\n")
        .unwrap();
    drop(input);
    let output = single.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("answer = \"42\"") && said.contains("here = \"still here\""),
        "{said}"
    );
    assert_eq!(
        said.matches("ERROR:  credential_manager is not").count(),
        2,
        "{said}"
    );
    cluster.start();
}

#[test]
fn a_server_in_binary_upgrade_mode_runs_no_watch() {
    let cluster = ready();
    cluster
        .superuser("app")
        .batch_execute("SELECT credentials.create('lease', valid_for => '1 s')")
        .unwrap();
    cluster.stop();
    let mut server = Server(
        cluster
            .client_command("postgres")
            .args(["-b", "-D"])
            .arg(cluster.data_dir())
            .arg("-k")
            .arg(cluster.home())
            .args(["-p", &cluster.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let query = "SELECT count(*) FILTER (WHERE backend_type LIKE 'credential_manager%'), count(*) FROM pg_stat_activity";
    let mut said = String::new();
    wait_until("the server takes connections", SOON, || {
        let output = cluster.psql(&["-At", "-c", query], "");
        said = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success()
    });
    assert!(said.starts_with("0|") && !said.starts_with("0|0"), "{said}");
    let refused = cluster.psql(
        &[
            "-v",
            "VERBOSITY=sqlstate",
            "-c",
            "SELECT credentials.list()",
        ],
        "",
    );
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("55000"),
        "{refused:?}"
    );
    server.stop();
    cluster.start();
}

struct Server(Child);

impl Server {
    fn stop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        let _ = kill_process(pid, Signal::INT);
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}
