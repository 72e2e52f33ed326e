//! Role DDL outside the functions while a credential is not active: refused, in every database, to whoever is no
//! superuser; a superuser is warned and recorded.

mod after;
mod around;
mod others;
mod refused;
mod superusers;

use std::sync::{Arc, Mutex};

use postgres::{Client, NoTls};

use crate::harness::Cluster;
use crate::held::people::password;
use crate::scene::{ask, column, run, Scene};

/// Another database of the cluster.
const OTHER: &str = "postgres";

/// What a role is given where a statement needs a password.
const TYPED: &str = "a password typed by somebody";

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Up to the cut-over.
    Rotating,
    /// After it.
    Lingering,
}

impl At {
    const BOTH: [At; 2] = [At::Rotating, At::Lingering];

    fn state(self) -> &'static str {
        match self {
            At::Rotating => "rotating",
            At::Lingering => "lingering",
        }
    }
}

/// A cluster with the credential `analyst`, a group, a bystander, and a role with every right that a role can have
/// over others without being a superuser.
struct Stage {
    scene: Scene,
    /// The password of `analyst` before the rotation.
    former: String,
}

impl Stage {
    #[track_caller]
    fn new() -> Stage {
        Stage::on(Cluster::new())
    }

    #[track_caller]
    fn on(cluster: Cluster) -> Stage {
        let mut scene = Scene::on(cluster);
        run(&mut scene.own, "SELECT credentials.create('analyst')");
        run(
            &mut scene.su,
            "CREATE ROLE bystander; CREATE ROLE crowd ROLE analyst;
             GRANT crowd TO analyst WITH ADMIN OPTION",
        );
        drop(scene.stranger("chief", "CREATEROLE"));
        run(
            &mut scene.su,
            // CREATEROLE is enough up to PostgreSQL 15; from 16 on ADMIN OPTION says whom it may change.
            "GRANT analyst, crowd, bystander TO chief WITH ADMIN OPTION",
        );
        let former = password(&scene.cluster, "analyst");
        Stage { scene, former }
    }

    /// One whose rotation is so far.
    #[track_caller]
    fn at(at: At) -> Stage {
        let mut stage = Stage::new();
        stage.rotate(at);
        stage
    }

    /// Rotates `analyst`, and stays there.
    #[track_caller]
    fn rotate(&mut self, at: At) {
        let own = &mut self.scene.own;
        match at {
            At::Rotating => run(own, "SELECT credentials.rotate('analyst')"),
            At::Lingering => {
                run(
                    own,
                    "SELECT credentials.rotate('analyst', overlap => '100 ms')",
                );
                run(own, "SELECT credentials.wait('analyst', '25 s')");
            }
        }
        assert_eq!(self.state(), at.state());
    }

    /// Ends the rotation.
    #[track_caller]
    fn end(&mut self) {
        run(
            &mut self.scene.own,
            "SELECT credentials.rotate('analyst', force => true)",
        );
        run(
            &mut self.scene.own,
            "SELECT credentials.wait('analyst', '25 s')",
        );
        assert_eq!(self.state(), "active");
    }

    #[track_caller]
    fn state(&mut self) -> String {
        ask(
            &mut self.scene.su,
            "SELECT state FROM credentials.list() WHERE name = 'analyst'",
        )
    }

    /// A session of one of these people in a database.
    #[track_caller]
    fn session(&mut self, who: &str, database: &str) -> Client {
        let rotating = self.state() == "rotating";
        let cluster = &self.scene.cluster;
        let password = match who {
            "postgres" => return cluster.superuser(database),
            "chief" => "a-stranger-called-chief".to_owned(),
            "app_owner" => password(cluster, "default"),
            "analyst" if rotating => self.former.clone(),
            _ => password(cluster, "analyst"),
        };
        cluster
            .login(who, &password, database)
            .unwrap_or_else(|error| panic!("{who} in {database}: {error}"))
    }

    /// How many events say that a superuser went round the functions, as `client` sees it.
    #[track_caller]
    fn recorded(client: &mut Client) -> usize {
        column(
            client,
            "SELECT id FROM credentials.events() WHERE action = 'guard'",
        )
        .len()
    }
}

/// Every statement form that is watched, of one role.
fn watched(role: &str) -> Vec<String> {
    [
        "ALTER ROLE {r} PASSWORD '{p}'",
        "ALTER ROLE {r} PASSWORD NULL",
        "ALTER USER {r} NOCREATEDB ENCRYPTED PASSWORD '{p}' CONNECTION LIMIT 5",
        "ALTER ROLE {r} RENAME TO newcomer",
        "ALTER GROUP {r} RENAME TO newcomer",
        "DROP ROLE {r}",
        "DROP USER IF EXISTS nobody_at_all, {r}",
        "GRANT {r} TO bystander",
        "GRANT crowd, {r} TO bystander WITH ADMIN OPTION",
        "REVOKE {r} FROM chief",
        "REVOKE ADMIN OPTION FOR {r} FROM chief",
        "GRANT crowd TO bystander, {r}",
        "REVOKE crowd FROM {r} CASCADE",
        "ALTER GROUP crowd ADD USER {r}",
        "ALTER GROUP crowd DROP USER bystander, {r}",
        "ALTER GROUP {r} ADD USER bystander",
        "ALTER GROUP {r} DROP USER chief",
        "CREATE ROLE newcomer IN ROLE {r}",
        "CREATE USER newcomer PASSWORD '{p}' IN GROUP crowd, {r}",
        "CREATE ROLE newcomer ROLE {r}",
        "CREATE ROLE newcomer ADMIN bystander, {r}",
    ]
    .iter()
    .map(|form| form.replace("{r}", role).replace("{p}", TYPED))
    .collect()
}

/// The role and its twin, as a statement names them.
const PAIR: [&str; 2] = ["analyst", "\"analyst-rotating\""];

/// Roles and memberships, but for the password that the worker may change at a cut-over.
#[track_caller]
fn roles(su: &mut Client) -> Vec<String> {
    column(
        su,
        "SELECT t FROM (SELECT (to_jsonb(a) - 'rolpassword')::text FROM pg_authid a
           UNION ALL SELECT m::text FROM pg_auth_members m) x(t) ORDER BY t",
    )
}

/// What the server said to one session.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    /// A session of the superuser, and what it hears.
    #[track_caller]
    fn superuser(cluster: &Cluster, database: &str) -> (Client, Said) {
        let said = Said::default();
        let heard = said.clone();
        let client = cluster
            .superuser_config(database)
            .notice_callback(move |notice| {
                let mut heard = heard.0.lock().unwrap();
                heard.push(format!("{}: {}", notice.severity(), notice.message()));
            })
            .connect(NoTls);
        (client.expect("the superuser"), said)
    }

    /// The warnings since this was last asked.
    fn warnings(&self) -> Vec<String> {
        let mut said = std::mem::take(&mut *self.0.lock().unwrap());
        said.retain(|line| line.starts_with("WARNING") && line.contains("is being rotated"));
        said
    }
}
