//! Other ways to call a function: the fastpath of the protocol, cursors, cursors that outlive their transaction.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::harness::{expect_error, Cluster};
use crate::scene::{ask, column, fingerprint, outcome, run, Scene};

/// A bare connection as the superuser over the socket; enough of the protocol for function calls (protocol 3.0).
struct Wire(UnixStream);

impl Wire {
    fn open(cluster: &Cluster) -> Wire {
        let path = cluster.home().join(format!(".s.PGSQL.{}", cluster.port()));
        let mut wire = Wire(UnixStream::connect(path).expect("the socket"));
        let body = b"\x00\x03\x00\x00user\0postgres\0database\0app\0\0";
        let length = u32::try_from(body.len() + 4)
            .expect("a length")
            .to_be_bytes();
        wire.0
            .write_all(&[&length[..], body].concat())
            .expect("to say hello");
        wire.until_ready().expect("a server that is ready");
        wire
    }

    /// Calls a function by OID with arguments as text; gives its result as text, or the SQLSTATE of the refusal.
    fn call(&mut self, function: u32, arguments: &[Option<&str>]) -> Result<Vec<u8>, String> {
        let count = u16::try_from(arguments.len())
            .expect("few arguments")
            .to_be_bytes();
        let mut body = function.to_be_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(count);
        for argument in arguments {
            let length = argument.map_or(-1, |text| {
                i32::try_from(text.len()).expect("a short argument")
            });
            body.extend(length.to_be_bytes());
            body.extend(argument.unwrap_or_default().as_bytes());
        }
        body.extend([0, 0]);
        self.send(b'F', &body);
        self.until_ready()
    }

    fn query(&mut self, sql: &str) {
        self.send(b'Q', &[sql.as_bytes(), b"\0"].concat());
        self.until_ready().expect("a query that succeeds");
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        let length = u32::try_from(body.len() + 4)
            .expect("a length")
            .to_be_bytes();
        self.0
            .write_all(&[&[kind], &length[..], body].concat())
            .expect("to send");
    }

    fn until_ready(&mut self) -> Result<Vec<u8>, String> {
        let mut result = Ok(Vec::new());
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).expect("a message");
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length - 4];
            self.0.read_exact(&mut body).expect("its body");
            match head[0] {
                b'Z' => return result,
                b'V' => result = Ok(body.split_off(4.min(body.len()))),
                b'E' => {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let state = text.split('\0').find_map(|field| field.strip_prefix('C'));
                    result = Err(state.unwrap_or_default().to_owned());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_fastpath_calls_with_the_same_checks_and_the_same_pinned_settings() {
    let mut scene = Scene::hostile();
    drop(scene.credential("c1"));
    let oid = |su: &mut postgres::Client, name: &str| {
        ask(su, &format!("SELECT oid FROM pg_proc WHERE pronamespace = 'credentials'::regnamespace AND proname = '{name}'"))
            .parse::<u32>()
            .expect("an OID")
    };
    let url = oid(&mut scene.su, "url");
    let mut wire = Wire::open(&scene.cluster);
    let told = wire
        .call(url, &[Some("c1"), Some("leader")])
        .expect("a URL");
    assert!(String::from_utf8_lossy(&told).starts_with("postgres://c1:"));
    assert_eq!(
        wire.call(url, &[Some("absent"), Some("leader")]),
        Err("42704".to_owned())
    );
    assert_eq!(
        wire.call(url, &[None, Some("leader")]),
        Err("22023".to_owned())
    );
    assert_eq!(wire.call(url, &[Some("c1"), None]), Err("22023".to_owned()));
    assert!(wire.call(url, &[Some("c1")]).is_err());
    // Sets and rows are not for this door: refused, not crashed.
    for name in ["list", "jobs", "usernames"] {
        let arguments: &[Option<&str>] = if name == "usernames" { &[None] } else { &[] };
        let function = oid(&mut scene.su, name);
        assert!(wire.call(function, arguments).is_err(), "{name}");
    }
    wire.query("SET ROLE c1");
    assert_eq!(
        wire.call(url, &[Some("c1"), Some("leader")]),
        Err("42501".to_owned())
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.list()"),
        "2",
        "the server goes on"
    );
}

#[test]
fn a_cursor_calls_once_and_tells_what_a_query_tells() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(
        &mut scene.own,
        "BEGIN; DECLARE a SCROLL CURSOR FOR SELECT name FROM credentials.list();
         DECLARE b CURSOR FOR SELECT name FROM credentials.create('c2')",
    );
    assert_eq!(column(&mut scene.own, "FETCH 1 FROM a"), ["default"]);
    assert_eq!(column(&mut scene.own, "FETCH ALL FROM a"), ["c1"]);
    assert_eq!(
        column(&mut scene.own, "FETCH BACKWARD ALL FROM a"),
        ["c1", "default"]
    );
    assert_eq!(column(&mut scene.own, "FETCH ALL FROM b"), ["c2"]);
    run(&mut scene.own, "COMMIT");
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c2'"
        ),
        "1"
    );
    // A cursor that nobody fetched from has called nothing.
    run(
        &mut scene.own,
        "BEGIN; DECLARE b CURSOR FOR SELECT * FROM credentials.create('c3'); COMMIT",
    );
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM pg_roles WHERE rolname = 'c3'"
        ),
        "0"
    );
}

#[test]
fn a_cursor_with_hold_acts_at_the_commit_and_whole() {
    let mut scene = Scene::new();
    drop(scene.credential("c1"));
    run(
        &mut scene.own,
        "BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT name, state FROM credentials.rotate('c1', force => true); COMMIT",
    );
    assert_eq!(column(&mut scene.own, "FETCH ALL FROM h"), ["c1"]);
    run(&mut scene.own, "CLOSE h");
    scene.settle();
    assert_eq!(
        ask(
            &mut scene.su,
            "SELECT count(*) FROM credentials.event WHERE action = 'rotate'"
        ),
        "1"
    );
    drop(scene.login("c1"));
    // One that fails at the commit takes the whole transaction with it.
    let before = fingerprint(&mut scene.su);
    run(
        &mut scene.own,
        "BEGIN; SELECT credentials.create('c2'); DECLARE h CURSOR WITH HOLD FOR SELECT * FROM credentials.rotate('absent', force => true)",
    );
    assert_eq!(outcome(&mut scene.own, "COMMIT"), "42704");
    assert_eq!(fingerprint(&mut scene.su), before);
    expect_error(&mut scene.own, "CREATE ROLE mine", "42501");
}

#[test]
fn explain_analyze_and_a_lateral_call_as_often_as_they_say() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "EXPLAIN SELECT credentials.create('x' || g) FROM pg_catalog.generate_series(1, 3) g",
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.list()"),
        "1"
    );
    run(&mut scene.own, "EXPLAIN ANALYZE SELECT credentials.create('x' || g) FROM pg_catalog.generate_series(1, 3) g");
    run(
        &mut scene.own,
        "SELECT * FROM pg_catalog.generate_series(4, 6) g, LATERAL credentials.create('x' || g) c",
    );
    assert_eq!(
        ask(&mut scene.su, "SELECT count(*) FROM credentials.list()"),
        "7"
    );
    assert_eq!(
        column(
            &mut scene.own,
            "SELECT c.name FROM credentials.create('x7') c, credentials.list() l WHERE false"
        ),
        Vec::<String>::new()
    );
}
