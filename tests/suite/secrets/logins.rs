//! What the extension makes, takes or is handed logs in over TCP with SCRAM, and what is damaged never becomes a password.

use super::{one, psql, ready, row, text, verifier};
use crate::harness::{expect_error, sqlstate};

/// Passwords that the rules allow, the short and the long, and those that URLs, shells and SASLprep would like to change.
const CHOSEN: [&str; 8] = [
    "abcdefghijklmnopqrstuvwx",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "pässwörter-für-jedermann",
    "ﬁﬁﬁ ligatures become fi at last",
    "a b/c?d#e%f:g@h&i=j+k\\l~m",
    "пароль-из-кириллицы-длинный-1",
    "emoji 🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑",
    "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
];

#[test]
fn a_generated_password_logs_in_over_tcp_with_scram() {
    let (mut su, cluster) = ready();
    let rules = text(
        &mut su,
        "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules WHERE type = 'host'",
    );
    assert_eq!(rules, "scram-sha-256");
    assert_eq!(
        row(&mut su, "SELECT password FROM credentials.create('alice')"),
        [None]
    );
    assert!(verifier(&mut su, "alice").starts_with("SCRAM-SHA-256$4096:"));
    let url = cluster.url("alice");
    let password = url.split(['@', ':']).nth(2).unwrap().to_owned();
    assert!(
        password.len() == 65 && password.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{}",
        password.len()
    );
    let asked = "SELECT current_user, inet_server_addr()";
    assert_eq!(psql(&cluster, &url, asked).0, "alice|127.0.0.1");
    let mut session = cluster.connect(&url).unwrap();
    assert_eq!(text(&mut session, "SELECT session_user"), "alice");
    let other = password.replace(char::is_alphabetic, "x");
    assert_eq!(
        sqlstate(&cluster.login("alice", &other, "app").err().unwrap()),
        "28P01"
    );
}

#[test]
fn a_chosen_password_logs_in_whatever_it_is_made_of() {
    let (mut su, cluster) = ready();
    for (number, password) in CHOSEN.iter().enumerate() {
        let name = format!("chosen{number}");
        for statement in [
            "SELECT password FROM credentials.create($1, password => $2)",
            "SELECT password FROM credentials.set_password($1, $2)",
        ] {
            let answer = su.query_one(statement, &[&name, password]);
            let told: Option<String> = answer
                .unwrap_or_else(|e| panic!("{password}: {e:?}"))
                .get(0);
            assert_eq!(told, None, "a chosen password is told to nobody again");
            let mut session = cluster.login(&name, password, "app").unwrap();
            assert_eq!(text(&mut session, "SELECT current_user"), name);
            let url = text(&mut su, &format!("SELECT credentials.url('{name}')"));
            assert_eq!(psql(&cluster, &url, "SELECT current_user").0, name, "{url}");
            assert_eq!(
                sqlstate(
                    &cluster
                        .login(&name, &password.chars().skip(1).collect::<String>(), "app")
                        .err()
                        .unwrap()
                ),
                "28P01"
            );
        }
    }
}

#[test]
fn what_the_rules_do_not_allow_is_refused_and_changes_nothing() {
    let (mut su, _cluster) = ready();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let before = super::fingerprint(&mut su);
    for bad in [
        "''",
        "'abcdefghijklmnopqrstuvw'",
        "repeat('x', 65)",
        "repeat('x', 20000000)",
        "'a quote'' in the middle of it'",
        "'a double \" in the middle of it'",
        "E'a newline\\nin the middle of it'",
        "'md5' || md5('x')",
    ] {
        expect_error(
            &mut su,
            &format!("SELECT credentials.set_password('alice', {bad})"),
            "22023",
        );
        expect_error(
            &mut su,
            &format!("SELECT credentials.create('bob', password => {bad})"),
            "22023",
        );
    }
    assert_eq!(super::fingerprint(&mut su), before);
}

#[test]
fn a_verifier_logs_in_with_its_password_and_its_url_has_none() {
    let (mut su, cluster) = ready();
    su.batch_execute("CREATE ROLE donor PASSWORD 'the password of the donor'")
        .unwrap();
    let given = verifier(&mut su, "donor");
    su.execute(
        "SELECT credentials.create('verified', password => $1)",
        &[&given],
    )
    .unwrap();
    su.batch_execute("SELECT credentials.create('later')")
        .unwrap();
    su.execute("SELECT credentials.set_password('later', $1)", &[&given])
        .unwrap();
    for name in ["verified", "later"] {
        assert_eq!(verifier(&mut su, name), given);
        cluster
            .login(name, "the password of the donor", "app")
            .unwrap();
        let (url, said) = psql(
            &cluster,
            "app",
            &format!("SELECT credentials.url('{name}')"),
        );
        assert_eq!(
            url,
            format!(
                "postgres://{name}@127.0.0.1:{}/app?sslmode=prefer",
                cluster.port()
            )
        );
        assert!(
            said.contains("NOTICE") && said.contains("no password of credential"),
            "{said}"
        );
        let stored = format!("SELECT count(*) FROM credentials.secret s JOIN pg_roles r ON r.oid = s.role WHERE rolname = '{name}'");
        assert_eq!(text(&mut su, &stored), "0", "an older password is kept");
    }
}

#[test]
fn a_verifier_of_the_empty_password_is_refused() {
    let (mut su, _cluster) = ready();
    // Salt of 16 zero bytes; the server itself would clear the password and go on.
    let empty = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$";
    su.batch_execute("CREATE ROLE donor PASSWORD 'the password of the donor'")
        .unwrap();
    let keys = verifier(&mut su, "donor")
        .rsplit('$')
        .next()
        .unwrap()
        .to_owned();
    su.execute(
        "SELECT credentials.create('fits', password => $1)",
        &[&format!("{empty}{keys}")],
    )
    .unwrap();
    su.batch_execute("SELECT credentials.create('alice')")
        .unwrap();
    let before = verifier(&mut su, "alice");
    let refused = su.execute(
        "SELECT credentials.set_password('alice', $1)",
        &[&OF_NOTHING],
    );
    assert_eq!(sqlstate(&refused.unwrap_err()), "22023");
    assert_eq!(verifier(&mut su, "alice"), before);
}

/// A verifier of the empty password, made with hashlib: 4096 rounds, a salt of 16 zero bytes.
const OF_NOTHING: &str = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$0xMhqAK40OCOdYhojcLUZeSMUOEvuUTKEl4DUl9gtuY=:T91QzwAuamaQklxzLHUAx6O/tGW9Dmx80uUBuGnEIjo=";

#[test]
fn a_verifier_damaged_in_any_byte_is_refused_or_at_least_never_a_password() {
    let (mut su, cluster) = ready();
    su.batch_execute("CREATE ROLE donor PASSWORD 'the password of the donor'; SELECT credentials.create('victim')").unwrap();
    let whole = verifier(&mut su, "donor");
    su.execute("SELECT credentials.set_password('victim', $1)", &[&whole])
        .unwrap();
    let long = std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some();
    let mut taken = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = if bytes[at] == b'z' || bytes[at] == b'9' {
            bytes[at] - 1
        } else {
            bytes[at] + 1
        };
        let damaged = String::from_utf8(bytes).unwrap();
        match su.execute("SELECT credentials.set_password('victim', $1)", &[&damaged]) {
            Err(error) => {
                assert_eq!(sqlstate(&error), "22023", "byte {at} of {damaged}");
                assert_eq!(verifier(&mut su, "victim"), whole, "byte {at}");
                let made = su.execute(
                    "SELECT credentials.create('another', password => $1)",
                    &[&damaged],
                );
                assert_eq!(
                    sqlstate(&made.unwrap_err()),
                    "22023",
                    "create took byte {at} of {damaged}"
                );
            }
            Ok(_) => {
                // Another letter of base64 or another digit of the rounds is as good a verifier as any.
                assert!(
                    whole.as_bytes()[at].is_ascii_alphanumeric()
                        || b"+/".contains(&whole.as_bytes()[at]),
                    "byte {at}"
                );
                taken += 1;
                assert_eq!(
                    verifier(&mut su, "victim"),
                    damaged,
                    "hashed as if it were a password"
                );
                // What is stored is the text itself, so the login is asked of every third byte where time is short.
                if long || at % 3 == 0 {
                    assert_eq!(
                        sqlstate(&cluster.login("victim", &damaged, "app").err().unwrap()),
                        "28P01",
                        "byte {at}"
                    );
                }
                // Damage in ServerKey is seen by the client alone: the server is not who it says it is.
                if at % 16 == 0 {
                    let old = cluster.login("victim", "the password of the donor", "app");
                    assert!(old.is_err(), "byte {at}");
                }
                su.execute("SELECT credentials.set_password('victim', $1)", &[&whole])
                    .unwrap();
            }
        }
    }
    assert!(
        taken > 80 && taken < whole.len() - 15,
        "{taken} of {} damaged ones were taken",
        whole.len()
    );
    assert_eq!(
        one(
            &mut su,
            "SELECT oid FROM pg_roles WHERE rolname = 'another'"
        ),
        None
    );
}

#[test]
fn a_verifier_cut_short_or_made_longer_is_refused() {
    let (mut su, _cluster) = ready();
    su.batch_execute("CREATE ROLE donor PASSWORD 'the password of the donor'; SELECT credentials.create('victim')").unwrap();
    let whole = verifier(&mut su, "donor");
    let before = verifier(&mut su, "victim");
    let shorter = (1..whole.len())
        .map(|n| whole[..n].to_owned())
        .filter(|cut| cut.len() > 12);
    let longer = ["=", " ", "\n", "A", "$"]
        .iter()
        .map(|more| format!("{whole}{more}"));
    let before_it = [" ", "x", "md5"]
        .iter()
        .map(|more| format!("{more}{whole}"));
    for bad in shorter
        .chain(longer)
        .chain(before_it)
        .chain([whole.to_lowercase(), whole.replace('$', "")])
    {
        let refused = su.execute("SELECT credentials.set_password('victim', $1)", &[&bad]);
        assert_eq!(sqlstate(&refused.expect_err(&bad)), "22023", "{bad}");
    }
    assert_eq!(verifier(&mut su, "victim"), before);
}
