//! Names: of what is to be made, and of what is there.

use super::{Argument, Caller, Scene, CALLERS};
use crate::harness::Cluster;

/// A bad name as an SQL expression, and the SQLSTATE where it is to be the name of something new.
const NAMES: [(&str, &str); 57] = [
    // Length comes first, in bytes.
    ("''", "42602"),
    ("repeat('a', 51)", "42602"),
    ("repeat('a', 64)", "42602"),
    ("repeat('a', 20000000)", "42602"),
    ("repeat('postgres', 7)", "42602"),
    ("repeat(U&'\\0430', 26)", "42602"),
    // Characters.
    ("' '", "42602"),
    ("' analyst'", "42602"),
    ("'analyst '", "42602"),
    ("'o''brien'", "42602"),
    ("''''", "42602"),
    ("'an\"alyst\"'", "42602"),
    ("'\"'", "42602"),
    ("'analyst; DROP ROLE stranger'", "42602"),
    ("'analyst/*'", "42602"),
    ("'$$'", "42602"),
    ("'a.b'", "42602"),
    ("'a@b'", "42602"),
    ("'%s'", "42602"),
    ("E'analyst\\n'", "42602"),
    ("E'\\n'", "42602"),
    ("E'ana\\r\\nlyst'", "42602"),
    ("E'ana\\tlyst'", "42602"),
    ("'analyst\\0'", "42602"),
    ("'analyst\\x00'", "42602"),
    ("'analyst%00'", "42602"),
    ("U&'analyst\\0001'", "42602"),
    ("U&'analyst\\007F'", "42602"),
    // What looks like ASCII and is not: Cyrillic a, a full-width letter, a zero-width space, an accent, an emoji.
    ("U&'\\0430nalyst'", "42602"),
    ("U&'\\FF41nalyst'", "42602"),
    ("U&'ana\\200Blyst'", "42602"),
    ("U&'analy\\0301st'", "42602"),
    ("U&'\\+01F600'", "42602"),
    // Kept for something else, in any case.
    ("'default'", "42939"),
    ("'DeFault'", "42939"),
    ("'owner'", "42939"),
    ("'OWNER'", "42939"),
    ("'heroku'", "42939"),
    ("'Admin'", "42939"),
    ("'collectd'", "42939"),
    ("'rdsx'", "42939"),
    ("'Pg_anything'", "42939"),
    ("'pg_monitor'", "42939"),
    ("'postgres'", "42939"),
    ("'MyPostgreSQL'", "42939"),
    ("'public'", "42939"),
    ("'NONE'", "42939"),
    ("'Current_User'", "42939"),
    ("'session_user'", "42939"),
    ("'user'", "42939"),
    ("'ALL'", "42939"),
    ("'replication'", "42939"),
    ("'db_reader_public'", "42939"),
    ("'DB_OWNER_x'", "42939"),
    ("'analyst-rotating'", "42939"),
    ("'X-ROTATING'", "42939"),
    // There already, but for case.
    ("'ANALYST'", "42602"),
];

/// Words that mean the default credential where a credential is named.
fn means_default(name: &str) -> bool {
    let word = name.trim_matches('\'').to_lowercase();
    word == "default" || word == "owner"
}

#[test]
fn the_server_itself_lets_no_nul_byte_into_a_text() {
    let mut scene = Scene::new();
    for call in [
        "create(E'a\\x00b')",
        "create(E'a\\000b')",
        "create(U&'a\\0000b')",
        "create(chr(0))",
    ] {
        let sql = format!("SELECT * FROM credentials.{call}");
        for caller in CALLERS {
            assert!(scene.client(caller).batch_execute(&sql).is_err(), "{call}");
        }
    }
}

#[test]
fn a_bad_name_for_a_new_credential_is_refused_before_anything_else() {
    let mut scene = Scene::new();
    for (name, state) in NAMES {
        scene.refused(&format!("create({name})"), state);
        if name == "'ANALYST'" {
            continue;
        }
        // Whatever else is wrong with the call, and whether or not it may be there already.
        scene.refused(
            &format!("create({name}, connection_limit => -2, valid_for => '-1 day', if_not_exists => true, password => 'x')"),
            state,
        );
    }
    for (taken, state) in [
        ("'analyst'", "42710"),
        ("'stranger'", "42710"),
        ("'app_owner'", "42710"),
        ("'App_Owner'", "42602"),
    ] {
        scene.refused(&format!("create({taken})"), state);
    }
}

#[test]
fn a_bad_name_for_an_adopted_role_is_refused() {
    let mut scene = Scene::new();
    for (name, state) in NAMES {
        scene.refused(&format!("adopt('stranger', {name})"), state);
    }
    for (name, state) in [
        ("'analyst'", "42710"),
        ("'app_owner'", "42710"),
        ("'leased'", "42710"),
    ] {
        scene.refused(&format!("adopt('stranger', {name})"), state);
    }
}

#[test]
fn a_role_that_cannot_be_a_credential_is_not_adopted() {
    let mut scene = Scene::new();
    scene.cluster.allow_superuser("second_root");
    scene
        .su
        .batch_execute(
            "CREATE ROLE second_root LOGIN SUPERUSER;
             CREATE ROLE close_to_root LOGIN; GRANT second_root TO close_to_root;
             CREATE ROLE replicator LOGIN REPLICATION; CREATE ROLE creator LOGIN CREATEROLE;
             CREATE ROLE reads_past LOGIN BYPASSRLS;
             CREATE ROLE above_default LOGIN; GRANT app_owner TO above_default;
             CREATE ROLE \"line\nbreak\" LOGIN; CREATE ROLE \"STRANGER\" LOGIN",
        )
        .unwrap();
    let fifty_five = format!("'{}'", "a".repeat(55));
    for (role, state) in [
        ("''", "42602"),
        (fifty_five.as_str(), "42602"),
        ("repeat('a', 64)", "42602"),
        ("repeat('a', 20000000)", "42602"),
        ("repeat('a', 54)", "42704"),
        ("E'line\\nbreak'", "42602"),
        ("'stranger-rotating'", "42602"),
        ("'Stranger-ROTATING'", "42602"),
        ("'nobody_knows'", "42704"),
        ("'o''brien'", "42704"),
        ("'stranger\"'", "42704"),
        ("U&'\\0430nalyst'", "42704"),
        ("'stranger\\0'", "42704"),
        ("'default'", "42704"),
        ("'owner'", "42704"),
        ("'public'", "42704"),
        ("'current_user'", "42704"),
        ("'analyst'", "42710"),
        ("'app_owner'", "42710"),
        ("'postgres'", "42501"),
        ("'pg_monitor'", "42501"),
        ("'pg_read_all_data'", "42501"),
        ("'second_root'", "42501"),
        ("'close_to_root'", "42501"),
        ("'replicator'", "42501"),
        ("'creator'", "42501"),
        ("'reads_past'", "42501"),
        ("'above_default'", "42501"),
    ] {
        scene.refused(&format!("adopt({role}, 'newcomer')"), state);
    }
    // Without a name of its own the role's is judged as one.
    for (role, state) in [
        ("'postgres'", "42939"),
        ("'pg_monitor'", "42939"),
        ("'STRANGER'", ""),
    ] {
        match state {
            "" => scene.accepted(Caller::Superuser, &format!("adopt({role})")),
            state => scene.refused(&format!("adopt({role})"), state),
        }
    }
    scene.refused("adopt('stranger')", "42602");
}

/// Functions with an argument that names a credential that is there, each as a call with `{}` for the name.
fn targets(scene: &mut Scene) -> Vec<String> {
    let mut calls: Vec<String> = Argument::all(&mut scene.watcher)
        .iter()
        .filter(|argument| matches!(argument.name.as_str(), "name" | "reassign_to"))
        .filter(|argument| !matches!(argument.function.as_str(), "create" | "adopt" | "events"))
        .map(|argument| argument.call("{}"))
        .collect();
    assert!(calls.len() >= 15, "{calls:?}");
    calls.extend(
        [
            "destroy({}, 'app')",
            "destroy('analyst', 'app', {})",
            "destroy({}, 'app', {})",
            "rotate({}, force => true)",
            "rotate({}, overlap => '0')",
            "set_password({}, 'a-password-of-24-letters')",
            "configure({}, 5, '{\"statement_timeout\": \"30s\"}')",
            "wait({}, '0')",
        ]
        .map(str::to_owned),
    );
    calls
}

/// Names of what is there and is no credential, or is one under another name.
const UNMANAGED: [&str; 6] = [
    "'nobody_knows'",
    "'stranger'",
    "'postgres'",
    "'pg_read_all_data'",
    "'app_owner'",
    "'-1'",
];

#[test]
fn a_target_that_no_credential_bears_does_not_exist_however_it_is_spelled() {
    let mut scene = Scene::new();
    for call in targets(&mut scene) {
        let reserved_or_malformed = NAMES
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !means_default(name));
        for name in reserved_or_malformed.chain(UNMANAGED) {
            scene.refused(&call.replace("{}", name), "42704");
        }
    }
}

#[test]
fn default_as_target_of_destroy_suspend_and_release_is_not_permitted() {
    let mut scene = Scene::new();
    for name in ["'default'", "'owner'", "'DEFAULT'", "'Owner'"] {
        for call in [
            "destroy({})",
            "destroy({}, 'app')",
            "destroy({}, 'app', 'analyst')",
            "suspend({})",
            "release({})",
        ] {
            scene.refused(&call.replace("{}", name), "42501");
        }
        scene.refused_to(Caller::Default, &format!("set_password({name})"), "42501");
        scene.refused_to(Caller::Default, &format!("configure({name}, 5)"), "42501");
        scene.refused(&format!("extend({name}, '1 hour')"), "22023");
        scene.refused(&format!("destroy_plan({name})"), "22023");
    }
}

#[test]
fn owner_and_default_name_the_default_credential_wherever_a_credential_is_named() {
    let mut scene = Scene::new();
    for caller in CALLERS {
        for (call, answer) in [
            ("url({})", "url({})::text"),
            ("usernames({})", "(SELECT username FROM credentials.usernames({}))"),
            ("connection_info({})", "(SELECT username FROM credentials.connection_info({}))"),
            ("events({})", "(SELECT count(*) FROM credentials.events({}, after => 0) WHERE action = 'setup')::text"),
            ("resume({})", "(SELECT state FROM credentials.resume({}))"),
            ("wait({})", "(SELECT state FROM credentials.wait({}))"),
        ] {
            let answer = answer.replace("url(", "credentials.url(");
            let mut asked = |name: &str| -> String {
                let sql = format!("SELECT {}", answer.replace("{}", name));
                let row = scene.client(caller).query_one(&sql, &[]);
                row.unwrap_or_else(|error| panic!("{call} {name}: {error:?}")).get(0)
            };
            let default = asked("'default'");
            assert!(!default.is_empty() && default != "0", "{call}: {default}");
            for name in ["'owner'", "'OWNER'", "'Default'"] {
                assert_eq!(asked(name), default, "{call} {name}");
            }
        }
    }
    // As the heir of a destroyed credential, too.
    scene.accepted(Caller::Default, "destroy_plan('analyst', 'owner')");
    scene.accepted(Caller::Default, "destroy('analyst', 'app', 'OWNER')");
    scene.accepted(Caller::Superuser, "wait('analyst')");
}

#[test]
fn events_of_a_name_that_nobody_bore_are_no_rows_and_no_error() {
    let mut scene = Scene::new();
    let names = NAMES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !means_default(name));
    for name in names.chain(["'nobody_knows'", "'stranger'", "'postgres'"]) {
        for caller in CALLERS {
            let sql = format!("SELECT count(*) FROM credentials.events({name})");
            let count: i64 = scene.client(caller).query_one(&sql, &[]).unwrap().get(0);
            assert_eq!(count, 0, "{name}");
        }
    }
}

#[test]
fn a_role_that_cannot_be_default_is_refused_by_setup_and_its_plan() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    su.batch_execute("CREATE EXTENSION credential_manager; CREATE ROLE managed LOGIN")
        .unwrap();
    let before = super::fingerprint(&mut su);
    for (role, state) in [
        ("''", "42602"),
        ("repeat('a', 55)", "42602"),
        ("repeat('a', 20000000)", "42602"),
        ("E'new\\nline'", "42602"),
        ("U&'bell\\0007'", "42602"),
        ("'x-rotating'", "42602"),
        ("'X-Rotating'", "42602"),
        ("'postgres'", "42501"),
        ("'pg_monitor'", "42939"),
        ("'PG_x'", "42939"),
        ("'public'", "42939"),
        ("'None'", "42939"),
    ] {
        for call in ["setup", "setup_plan"] {
            let sql = format!("SELECT * FROM credentials.{call}({role})");
            crate::harness::expect_error(&mut su, &sql, state);
        }
        assert_eq!(super::fingerprint(&mut su), before, "{role}");
    }
    let sql = "SELECT * FROM credentials.setup('app_owner')";
    su.batch_execute(sql).unwrap();
    for other in [
        "'managed'",
        "'app_owner2'",
        "'App_owner'",
        "''",
        "'postgres'",
    ] {
        let sql = format!("SELECT * FROM credentials.setup({other})");
        crate::harness::expect_error(&mut su, &sql, "42710");
    }
}

#[test]
fn before_setup_everything_but_setup_claim_events_and_jobs_says_so() {
    let cluster = Cluster::new();
    let mut su = cluster.superuser("app");
    su.batch_execute("CREATE EXTENSION credential_manager; CREATE ROLE stranger LOGIN")
        .unwrap();
    let mut calls: Vec<String> = Argument::all(&mut su)
        .iter()
        .filter(|argument| argument.default.is_none() && argument.name != "valid_for")
        .filter(|argument| !matches!(argument.function.as_str(), "claim"))
        .map(|argument| {
            argument.call(if argument.name == "job" {
                "1"
            } else {
                "'newcomer'"
            })
        })
        .collect();
    assert!(calls.len() >= 10, "{calls:?}");
    let without = [
        "rotate()",
        "rotate_all()",
        "repair_default()",
        "repair_plan()",
        "wait()",
        "reseal()",
        "list()",
        "usernames()",
        "url()",
        "connection_info()",
    ];
    calls.extend(without.map(str::to_owned));
    for call in calls {
        let sql = format!("SELECT * FROM credentials.{call}");
        let error = crate::harness::expect_error(&mut su, &sql, "55000");
        let hint = error
            .as_db_error()
            .unwrap()
            .hint()
            .unwrap_or_default()
            .to_owned();
        assert!(hint.contains("credentials.setup()"), "{call}: {hint}");
    }
}
