//! Names of what is to be made or taken.

use super::{Caller, Scene, CALLERS};

/// A bad name as an SQL expression, and the SQLSTATE where it is to be the name of something new.
pub const NAMES: [(&str, &str); 57] = [
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
pub fn means_default(name: &str) -> bool {
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
