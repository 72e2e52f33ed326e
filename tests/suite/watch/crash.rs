//! kill -9 at every step: the job ends by itself after the restart, and nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};

use postgres::error::SqlState;
use postgres::Client;

use super::HOLDINGS;
use crate::harness::{wait_until, Cluster, SOON};
use crate::held::people::{created, logs_in, owner, password, waited};

/// How many tables the credential owns; in batches of ten.
const TABLES: i64 = 35;

/// The steps of a destroy at which the server is killed: stages, and points within one.
const OF_DESTROY: [&str; 8] = [
    "apply",
    "end_sessions",
    "move",
    "batch",
    "batch_commit",
    "drop",
    "before_drop",
    "after_drop",
];

const OF_REPAIR: [&str; 4] = ["restore", "move", "batch", "batch_commit"];

/// A cluster whose worker kills the server where a file says so.
struct Faulty {
    cluster: Cluster,
    file: PathBuf,
}

impl Faulty {
    fn new(name: &str) -> Faulty {
        let file = PathBuf::from(format!("/tmp/cm-fault-{}-{name}", std::process::id()));
        let cluster = Cluster::builder()
            .setting("credential_manager.batch_size", "10")
            .setting("autovacuum", "off")
            .env("CREDENTIAL_MANAGER_FAULT", file.to_str().unwrap())
            .start();
        cluster.setup();
        Faulty { cluster, file }
    }

    /// Names the point; the server writes the file, so that it can remove it.
    fn arm(&self, point: &str) {
        let sql = format!("COPY (SELECT '{point}') TO '{}'", self.file.display());
        self.cluster.superuser("app").batch_execute(&sql).unwrap();
    }

    /// Waits until the server has killed itself at the point, and starts it again.
    fn comes_back(&self, point: &str) {
        let pid = self.cluster.pid();
        wait_until(&format!("the server is killed at {point}"), SOON, || {
            is_dead(pid)
        });
        assert!(
            !self.file.exists(),
            "{point}: not the fault point killed it"
        );
        self.cluster.kill9();
        all_gone(&self.cluster.data_dir());
        self.cluster.start();
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

fn is_dead(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with('Z'))
}

/// Backends notice that their postmaster is dead; until then they hold its memory.
pub fn all_gone(data: &Path) {
    wait_until("all processes of the killed server are gone", SOON, || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        !processes.into_iter().any(|p| {
            let number = p
                .file_name()
                .to_str()
                .is_some_and(|n| n.parse::<u32>().is_ok());
            number && fs::read_link(p.path().join("cwd")).is_ok_and(|cwd| cwd == data)
        })
    });
}

/// A credential that owns tables with rows.
fn with_tables(cluster: &Cluster, name: &str) -> String {
    let password = created(cluster, name);
    cluster
        .superuser("app")
        .batch_execute(&format!(
            "DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s AUTHORIZATION \"{name}\";
             DO $$ BEGIN FOR i IN 1..{TABLES} LOOP
               EXECUTE format('CREATE TABLE s.t%s (id serial PRIMARY KEY, x text)', i);
               EXECUTE format('INSERT INTO s.t%s (x) VALUES (1), (2), (3)', i);
               EXECUTE format('ALTER TABLE s.t%s OWNER TO %I', i, '{name}');
               EXECUTE format('GRANT SELECT ON s.t%s TO %I', i, '{name}');
             END LOOP; END $$"
        ))
        .unwrap();
    password
}

fn owned_by(client: &mut Client, role: &str) -> i64 {
    let sql =
        "SELECT count(*) FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind = 'r'
                  AND pg_get_userbyid(relowner) = $1";
    client.query_one(sql, &[&role]).unwrap().get(0)
}

#[track_caller]
fn nothing_is_lost(cluster: &Cluster, point: &str) {
    let mut client = cluster.superuser("app");
    let row = client.query_one(HOLDINGS, &[]).unwrap();
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (TABLES, 3 * TABLES),
        "{point}"
    );
    assert_eq!(
        owned_by(&mut client, "app_owner"),
        TABLES,
        "{point}: not all is default's"
    );
}

/// Orders work at which the server is killed: that can be before the answer to the COMMIT which ordered it.
#[track_caller]
fn ordered(cluster: &Cluster, order: &str) {
    if let Err(error) = owner(cluster).batch_execute(order) {
        let gone = error.is_closed() || error.code() == Some(&SqlState::ADMIN_SHUTDOWN);
        assert!(gone, "{order}: {error:?}");
    }
}

#[test]
fn a_destroy_goes_on_by_itself_after_kill_9_of_the_server_at_any_of_its_steps() {
    let faulty = Faulty::new("destroy");
    let cluster = &faulty.cluster;
    for point in OF_DESTROY {
        let old = with_tables(cluster, "analyst");
        let mut session = cluster.login("analyst", &old, "app").unwrap();
        if point == "apply" {
            // Held, so that the worker has to apply it.
            session
                .batch_execute("BEGIN; ALTER ROLE analyst PASSWORD 'this one is not to stay here'")
                .unwrap();
        }
        faulty.arm(point);
        let order = "SELECT credentials.destroy('analyst', confirm => 'app')";
        ordered(cluster, order);
        faulty.comes_back(point);
        assert_eq!(waited(cluster, "analyst"), "destroyed", "{point}");
        nothing_is_lost(cluster, point);
        let mut client = cluster.superuser("app");
        let left = client
            .query("SELECT FROM pg_roles WHERE rolname = 'analyst'", &[])
            .unwrap();
        assert!(left.is_empty(), "{point}: the role is left");
        let dropped = "SELECT count(*) FROM credentials.events('analyst')
                        WHERE action = 'destroy' AND detail ? 'role_dropped'";
        let told: i64 = client.query_one(dropped, &[]).unwrap().get(0);
        let rounds = OF_DESTROY.iter().position(|p| *p == point).unwrap() as i64 + 1;
        assert_eq!(told, rounds, "{point}: the end is told once");
    }
}

#[test]
fn a_repair_goes_on_by_itself_after_kill_9_of_the_server_at_any_of_its_steps() {
    let faulty = Faulty::new("repair");
    let cluster = &faulty.cluster;
    for (number, point) in OF_REPAIR.iter().enumerate() {
        let name = format!("analyst{number}");
        with_tables(cluster, &name);
        cluster
            .superuser("app")
            .batch_execute("REVOKE pg_monitor FROM app_owner")
            .unwrap();
        faulty.arm(point);
        ordered(cluster, "SELECT credentials.repair_default()");
        faulty.comes_back(point);
        assert_eq!(waited(cluster, "default"), "active", "{point}");
        nothing_is_lost(cluster, point);
        let member = "SELECT pg_has_role('app_owner', 'pg_monitor', 'MEMBER')";
        let row = cluster.superuser("app").query_one(member, &[]).unwrap();
        assert!(
            row.get::<_, bool>(0),
            "{point}: a membership was not restored"
        );
    }
}

#[test]
fn a_forced_rotation_that_was_held_goes_on_by_itself_after_kill_9_at_any_of_its_steps() {
    let faulty = Faulty::new("rotate");
    let cluster = &faulty.cluster;
    let mut old = created(cluster, "analyst");
    for point in ["apply", "end_sessions", "sweep"] {
        let mut session = cluster.login("analyst", &old, "app").unwrap();
        session
            .batch_execute("BEGIN; ALTER ROLE analyst PASSWORD 'this one is not to stay here'")
            .unwrap();
        // The rotation before is still looked after for a moment, and would come by the point first.
        let mut superuser = cluster.superuser("app");
        wait_until("the rotation before is finished", SOON, || {
            let left = "SELECT FROM credentials.job WHERE stage <> 'finished'";
            superuser.query(left, &[]).unwrap().is_empty()
        });
        faulty.arm(point);
        ordered(
            cluster,
            "SELECT credentials.rotate('analyst', force => true)",
        );
        faulty.comes_back(point);
        assert_eq!(waited(cluster, "analyst"), "active", "{point}");
        assert!(
            !logs_in(cluster, "analyst", &old),
            "{point}: the old password logs in"
        );
        old = password(cluster, "analyst");
        assert!(
            logs_in(cluster, "analyst", &old),
            "{point}: the new password is refused"
        );
    }
}

#[test]
fn kill_9_of_the_server_at_any_moment_of_a_destroy_and_a_repair_loses_nothing() {
    let rounds = if std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some() {
        40
    } else {
        4
    };
    let cluster = Cluster::builder()
        .setting("credential_manager.batch_size", "1")
        .start();
    cluster.setup();
    for round in 0..rounds {
        with_tables(&cluster, "analyst");
        let mut watching = cluster.superuser("app");
        let orders = [
            "SELECT credentials.destroy('analyst', confirm => 'app')",
            "SELECT credentials.repair_default()",
        ];
        owner(&cluster).batch_execute(orders[round % 2]).unwrap();
        // Another moment each round: after so many of the tables have moved.
        let moved = TABLES * i64::try_from(round + 1).unwrap() / i64::try_from(rounds + 1).unwrap();
        wait_until("some tables have moved", SOON, || {
            owned_by(&mut watching, "app_owner") >= moved
        });
        cluster.kill9();
        all_gone(&cluster.data_dir());
        cluster.start();
        if round % 2 == 1 {
            assert_eq!(waited(&cluster, "default"), "active");
            owner(&cluster).batch_execute(orders[0]).unwrap();
        }
        assert_eq!(waited(&cluster, "analyst"), "destroyed", "round {round}");
        nothing_is_lost(&cluster, &format!("round {round}"));
    }
}
