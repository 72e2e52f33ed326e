//! What nobody should ask for: each function with each kind of bad argument is refused with the SQLSTATE of the
//! contract, says so in a few plain bytes, and leaves everything as it was.

mod names;
mod naming;
mod nulls;
mod passwords;
mod random;
mod setting_up;
mod targets;
mod values;

use postgres::Client;

use crate::harness::{expect_error, Cluster};

/// The password of the default credential, so that a test can log in as it.
const OWNER_PASSWORD: &str = "a-password-of-the-owner-0";

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Default,
    Superuser,
}

const CALLERS: [Caller; 2] = [Caller::Default, Caller::Superuser];

/// A cluster that is set up, with the credentials `analyst` and `leased` (a lease), an unmanaged login role `stranger`,
/// and a session of each caller.
struct Scene {
    su: Client,
    own: Client,
    watcher: Client,
    /// The fingerprint as it was when last asked for, until a call is accepted.
    seen: Option<String>,
    cluster: Cluster,
}

impl Scene {
    fn new() -> Scene {
        Scene::on(Cluster::new())
    }

    fn on(cluster: Cluster) -> Scene {
        cluster.setup();
        let mut su = cluster.superuser("app");
        su.batch_execute(&format!(
            "SELECT credentials.set_password('default', '{OWNER_PASSWORD}');
             SELECT credentials.create('analyst');
             SELECT credentials.create('leased', valid_for => '1 day');
             CREATE ROLE stranger LOGIN;"
        ))
        .unwrap();
        let mut own = cluster.login("app_owner", OWNER_PASSWORD, "app").unwrap();
        // How the literals of this suite are written, whatever a hostile owner set for its role.
        own.batch_execute("SET standard_conforming_strings = on")
            .unwrap();
        let watcher = cluster.superuser("app");
        Scene {
            su,
            own,
            watcher,
            seen: None,
            cluster,
        }
    }

    /// A session of the caller, for anything.
    fn client(&mut self, caller: Caller) -> &mut Client {
        self.seen = None;
        self.session(caller)
    }

    fn session(&mut self, caller: Caller) -> &mut Client {
        match caller {
            Caller::Default => &mut self.own,
            Caller::Superuser => &mut self.su,
        }
    }

    /// Both callers are refused with `state`, and nothing changes; functions for superusers refuse default first.
    #[track_caller]
    fn refused(&mut self, call: &str, state: &str) {
        for caller in CALLERS {
            self.refused_to(caller, call, seen_by(caller, call, state));
        }
    }

    /// One caller is refused with `state`, in printable ASCII with no long piece of what was typed; nothing changes.
    #[track_caller]
    fn refused_to(&mut self, caller: Caller, call: &str, state: &str) -> String {
        let before = match self.seen.take() {
            Some(seen) => seen,
            None => fingerprint(&mut self.watcher),
        };
        let sql = format!("SELECT * FROM credentials.{call}");
        let error = expect_error(self.session(caller), &sql, state);
        let error = error.as_db_error().expect("an error of the server");
        let said =
            [Some(error.message()), error.detail(), error.hint()].map(Option::unwrap_or_default);
        let said = said.join("\n");
        assert!(
            said.bytes()
                .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)),
            "{call}: {said:?}"
        );
        assert!(!said.contains(&"a".repeat(65)), "{call}: {said}");
        let after = fingerprint(&mut self.watcher);
        assert_eq!(after, before, "{call} by {caller:?} changed something");
        self.seen = Some(after);
        said
    }

    /// A call that must succeed.
    #[track_caller]
    fn accepted(&mut self, caller: Caller, call: &str) {
        let sql = format!("SELECT * FROM credentials.{call}");
        if let Err(error) = self.client(caller).batch_execute(&sql) {
            panic!("{call} by {caller:?}: {error:?}");
        }
    }
}

/// The SQLSTATE that a caller gets where a superuser gets `state`.
fn seen_by<'a>(caller: Caller, call: &str, state: &'a str) -> &'a str {
    let for_superusers = ["setup(", "setup_plan(", "adopt(", "release(", "claim("];
    let closed = for_superusers.iter().any(|name| call.starts_with(name));
    if closed && caller == Caller::Default {
        "42501"
    } else {
        state
    }
}

/// Whether there is time for more than the short form of a test.
fn long() -> bool {
    std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some()
}

/// All that a refused call must leave as it was: roles, memberships, settings, rights on the database, our rows. When
/// a credential last logged in is left out: the worker notes it when it likes.
fn fingerprint(client: &mut Client) -> String {
    let row = client.query_one(
        "SELECT md5(string_agg(t, E'\\n' ORDER BY t COLLATE \"C\")) FROM (
           SELECT a::text FROM pg_authid a UNION ALL SELECT m::text FROM pg_auth_members m
           UNION ALL SELECT s::text FROM pg_db_role_setting s UNION ALL SELECT d.datacl::text FROM pg_database d
           UNION ALL SELECT i::text FROM credentials.installation i
           UNION ALL SELECT (to_jsonb(c) - 'last_login_at')::text FROM credentials.credential c
           UNION ALL SELECT n.nspacl::text FROM pg_namespace n UNION ALL SELECT g::text FROM credentials.access_group g
           UNION ALL SELECT t::text FROM credentials.tenant t UNION ALL SELECT e::text FROM credentials.endpoint e
           UNION ALL SELECT a::text FROM credentials.attachment a UNION ALL SELECT c::text FROM credentials.collaborator c
           UNION ALL SELECT r::text FROM credentials.collaborator_right r UNION ALL SELECT m::text FROM credentials.maker m
           UNION ALL SELECT f::text FROM credentials.former_app f UNION ALL SELECT p.proacl::text FROM pg_proc p
           UNION ALL SELECT s::text FROM credentials.secret s UNION ALL SELECT j::text FROM credentials.job j
           UNION ALL SELECT e::text FROM credentials.event e) x(t)",
        &[],
    );
    row.expect("a fingerprint").get(0)
}

/// One input argument of one function, asked of the server.
struct Argument {
    function: String,
    name: String,
    /// Its default as the server prints it, where it has one.
    default: Option<String>,
    /// The function's arguments without a default but for this one.
    others: Vec<String>,
}

impl Argument {
    fn all(client: &mut Client) -> Vec<Argument> {
        let rows = client.query(
            "WITH a AS (
               SELECT p.oid, p.proname::text AS function, p.proargnames[i] AS name,
                      pg_get_function_arg_default(p.oid, i::int4) AS value
                 FROM pg_proc p, generate_series(1, p.pronargs) i
                WHERE p.pronamespace = 'credentials'::regnamespace)
             SELECT a.function, a.name, a.value,
                    ARRAY(SELECT o.name FROM a o WHERE o.oid = a.oid AND o.name <> a.name AND o.value IS NULL)
               FROM a ORDER BY 1, 2",
            &[],
        );
        let read = |row: &postgres::Row| Argument {
            function: row.get(0),
            name: row.get(1),
            default: row.get(2),
            others: row.get(3),
        };
        rows.expect("the arguments").iter().map(read).collect()
    }

    /// A call with `value` for this argument and something right for all others that must be given.
    fn call(&self, value: &str) -> String {
        let mut arguments = format!("{} => {value}", self.name);
        for other in &self.others {
            let right = match other.as_str() {
                "name" if self.function == "create" => "'newcomer'",
                "name" => "'leased'",
                "role" => "'stranger'",
                "confirm" => "'app'",
                "valid_for" => "'1 hour'",
                "access" => "'read_only'",
                "object" => "'schema public'",
                "kind" => "'four_roles'",
                "app" => "'shop'",
                "config_var" => "'DATABASE'",
                "collaborator" => "'stranger'",
                "permissions" => "'{view}'",
                "endpoint" => "'pool'",
                "host" => "'localhost'",
                other => panic!("what is right for {}({other})?", self.function),
            };
            arguments.push_str(&format!(", {other} => {right}"));
        }
        format!("{}({arguments})", self.function)
    }
}
