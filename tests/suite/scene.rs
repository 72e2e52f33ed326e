//! What most suites start from: a cluster that is set up, its superuser, its default credential, and short ways to ask.

use postgres::{Client, SimpleQueryMessage};

use crate::harness::{wait_until, Cluster, SOON};

/// A cluster that is set up.
pub struct Scene {
    /// A session of the bootstrap superuser in the home database.
    pub su: Client,
    /// A session of the default credential.
    pub own: Client,
    /// The cluster; last, so that sessions end before it does.
    pub cluster: Cluster,
}

impl Scene {
    /// A plain cluster with `app_owner` as the default credential.
    #[track_caller]
    pub fn new() -> Scene {
        Scene::on(Cluster::new())
    }

    /// The same with the traps of a hostile owner set.
    #[track_caller]
    pub fn hostile() -> Scene {
        Scene::on(Cluster::builder().hostile().start())
    }

    /// Sets up a cluster made otherwise. `app_owner` is there before, so that its password is known.
    #[track_caller]
    pub fn on(cluster: Cluster) -> Scene {
        cluster.setup();
        let url = {
            let mut su = cluster.superuser("app");
            run(&mut su, "SELECT credentials.set_password('default')");
            cluster.url("default")
        };
        Scene {
            su: cluster.superuser("app"),
            own: cluster.connect(&url).expect("a login as default"),
            cluster,
        }
    }

    /// A credential and a session of it.
    #[track_caller]
    pub fn credential(&mut self, name: &str) -> Client {
        run(
            &mut self.own,
            &format!("SELECT credentials.create('{name}')"),
        );
        self.login(name)
    }

    /// One more session of a credential, with what `url()` tells.
    #[track_caller]
    pub fn login(&self, name: &str) -> Client {
        let url = self.cluster.url(name);
        self.cluster.connect(&url).expect("a login with the URL")
    }

    /// An unmanaged login role and a session of it; `attributes` as in CREATE ROLE.
    #[track_caller]
    pub fn stranger(&mut self, name: &str, attributes: &str) -> Client {
        let password = format!("a-stranger-called-{name}");
        run(
            &mut self.su,
            &format!(
                "CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}' {attributes};
                 GRANT CONNECT ON DATABASE app TO \"{name}\""
            ),
        );
        self.cluster
            .login(name, &password, "app")
            .expect("a login of a stranger")
    }

    /// Waits until no job is left to do, as a superuser; `wait` does not wait for a person, and no job may need one.
    #[track_caller]
    pub fn settle(&mut self) {
        run(&mut self.su, "SELECT credentials.wait()");
        let stuck = "SELECT concat_ws(' ', kind, name, message) FROM credentials.jobs() WHERE state = 'blocked'";
        assert_eq!(column(&mut self.su, stuck), [""; 0], "a job is blocked");
    }
}

/// Waits until the launcher is alone: all is told and done, and no worker has a process.
#[track_caller]
pub fn idle(su: &mut Client) {
    let busy = "SELECT (SELECT count(*) FROM credentials.news) + (SELECT count(*) FROM pg_stat_activity
                 WHERE backend_type LIKE 'credential_manager%' AND backend_type NOT LIKE '%launcher')";
    wait_until("no worker is at work", SOON, || ask(su, busy) == "0");
}

/// Runs statements that must succeed.
#[track_caller]
pub fn run(client: &mut Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql) {
        panic!("{sql}: {}", told(&error));
    }
}

/// The first column of all rows, as text; NULL is empty.
#[track_caller]
pub fn column(client: &mut Client, sql: &str) -> Vec<String> {
    let messages = match client.simple_query(sql) {
        Ok(messages) => messages,
        Err(error) => panic!("{sql}: {}", told(&error)),
    };
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        })
        .collect()
}

/// The first column of the first row, as text.
#[track_caller]
pub fn ask(client: &mut Client, sql: &str) -> String {
    column(client, sql).into_iter().next().unwrap_or_default()
}

/// Rows as text with `|` between the columns.
#[track_caller]
pub fn rows(client: &mut Client, sql: &str) -> Vec<String> {
    column(client, &format!("SELECT pg_catalog.concat_ws('|', VARIADIC ARRAY(SELECT v FROM pg_catalog.json_each_text(pg_catalog.to_json(t)) AS e(k, v))) FROM ({sql}) t"))
}

/// The SQLSTATE of a statement; empty where it succeeds.
pub fn outcome(client: &mut Client, sql: &str) -> String {
    match client.batch_execute(sql) {
        Ok(()) => String::new(),
        Err(error) => crate::harness::sqlstate(&error),
    }
}

/// What an error says, for a failing test.
pub fn told(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || error.to_string(),
        |db| {
            format!(
                "{} {} / {:?} / {:?}",
                db.code().code(),
                db.message(),
                db.detail(),
                db.hint()
            )
        },
    )
}

/// A fingerprint of all that a refused call must leave as it was: roles, memberships, settings, and our rows.
#[track_caller]
pub fn fingerprint(su: &mut Client) -> String {
    ask(
        su,
        "SELECT md5(string_agg(t, E'\\n' ORDER BY t)) FROM (
           SELECT a::text FROM pg_authid a UNION ALL SELECT m::text FROM pg_auth_members m
           UNION ALL SELECT s::text FROM pg_db_role_setting s UNION ALL SELECT d::text FROM pg_database d
           UNION ALL SELECT n::text FROM pg_namespace n UNION ALL SELECT (to_jsonb(c) - 'last_login_at')::text FROM credentials.credential c
           UNION ALL SELECT x::text FROM credentials.secret x UNION ALL SELECT j::text FROM credentials.job j
           UNION ALL SELECT w::text FROM credentials.twin w) x(t)",
    )
}

/// Waits until the server log holds `line`.
#[track_caller]
pub fn wait_for_log(cluster: &Cluster, line: &str) {
    wait_until(&format!("the log says {line}"), SOON, || {
        cluster.log().contains(line)
    });
}

/// Our own lines of the server log: one a call.
pub fn call_lines(cluster: &Cluster) -> Vec<String> {
    cluster
        .log()
        .lines()
        .filter(|line| line.contains("credential_manager: ") && line.contains("effective role"))
        .map(str::to_owned)
        .collect()
}
