//! A login that takes its time: begun before the password is changed, finished after it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::people::{
    created, lives, logs_in, only_the_managed_password_logs_in, owner, password, ready, waited,
    MINE,
};
use crate::harness::{wait_until, Cluster, SOON};

/// A client that has the server's first message of a SCRAM exchange, made from the verifier of that moment.
pub struct Slow {
    socket: TcpStream,
    client_first: String,
    server_first: String,
}

impl Slow {
    /// Begins a login over TCP, up to the server's first message.
    pub fn begin(cluster: &Cluster, user: &str) -> Slow {
        let mut socket = TcpStream::connect(("127.0.0.1", cluster.port())).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        body.extend(format!("user\0{user}\0database\0app\0\0").bytes());
        let length = i32::try_from(body.len() + 4).unwrap();
        socket.write_all(&length.to_be_bytes()).unwrap();
        socket.write_all(&body).unwrap();
        let (kind, asked) = receive(&mut socket).unwrap();
        assert_eq!((kind, asked[3]), (b'R', 10), "SASL was not asked for");
        let client_first = "n=,r=abcdefghijklmnopqrstuvwx".to_owned();
        let mut message = b"SCRAM-SHA-256\0".to_vec();
        let initial = format!("n,,{client_first}");
        message.extend(i32::try_from(initial.len()).unwrap().to_be_bytes());
        message.extend(initial.bytes());
        send(&mut socket, b'p', &message);
        let (kind, answer) = receive(&mut socket).unwrap();
        assert_eq!((kind, answer[3]), (b'R', 11));
        Slow {
            socket,
            client_first,
            server_first: String::from_utf8(answer[4..].to_vec()).unwrap(),
        }
    }

    /// Proves the password, and sends a statement along that the session runs first thing.
    pub fn finish(&mut self, password: &str, statement: &str) {
        let field = |key: &str| {
            let found = self
                .server_first
                .split(',')
                .find_map(|p| p.strip_prefix(key));
            found.unwrap().to_owned()
        };
        let salt = BASE64.decode(field("s=")).unwrap();
        let mut salted = [0_u8; 32];
        let rounds: u32 = field("i=").parse().unwrap();
        pbkdf2::pbkdf2::<Hmac<Sha256>>(password.as_bytes(), &salt, rounds, &mut salted).unwrap();
        let client_key = mac(&salted, b"Client Key");
        let stored_key = Sha256::digest(client_key);
        let last = format!("c=biws,r={}", field("r="));
        let signed = format!("{},{},{last}", self.client_first, self.server_first);
        let signature = mac(&stored_key, signed.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(k, s)| k ^ s)
            .collect();
        let message = format!("{last},p={}", BASE64.encode(proof));
        send(&mut self.socket, b'p', message.as_bytes());
        send(&mut self.socket, b'Q', format!("{statement}\0").as_bytes());
    }

    /// What the server says up to the end of the login, or up to the end of the session.
    pub fn is_let_in(&mut self) -> bool {
        while let Some((kind, body)) = receive(&mut self.socket) {
            match kind {
                b'Z' => return true,
                b'E' => panic!("{}", String::from_utf8_lossy(&body)),
                _ => {}
            }
        }
        false
    }

    /// How long it takes the server to end the session.
    pub fn ends_after(&mut self) -> Duration {
        let start = Instant::now();
        while receive(&mut self.socket).is_some() {}
        start.elapsed()
    }
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn send(socket: &mut TcpStream, kind: u8, body: &[u8]) {
    let mut message = vec![kind];
    message.extend(i32::try_from(body.len() + 4).unwrap().to_be_bytes());
    message.extend(body);
    socket.write_all(&message).unwrap();
}

/// One message, or nothing where the server has hung up.
fn receive(socket: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0_u8; 5];
    socket.read_exact(&mut head).ok()?;
    let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; usize::try_from(length - 4).unwrap()];
    socket.read_exact(&mut body).ok()?;
    Some((head[0], body))
}

#[test]
fn a_login_that_was_begun_before_a_forced_rotation_and_finished_after_it_comes_to_nothing() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut slow = Slow::begin(&cluster, "analyst");
    let mut control = Slow::begin(&cluster, "app_owner");
    owner(&cluster)
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    let mut kept = cluster.connect(&cluster.url("analyst")).unwrap();
    slow.finish(&old, &format!("ALTER ROLE analyst PASSWORD '{MINE}'"));
    let took = slow.ends_after();
    assert!(took < Duration::from_secs(2), "it lived for {took:?}");
    assert!(
        cluster
            .log()
            .contains("was replaced while this login was on its way"),
        "the login failed for another reason, so nothing was shown"
    );
    assert!(lives(&mut kept), "a session of the new password was ended");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old, MINE]);
    control.finish(&password(&cluster, "default"), "SELECT 1");
    assert!(
        control.is_let_in(),
        "a slow login of another role was refused"
    );
}

#[test]
fn a_password_that_was_changed_behind_a_forced_rotation_is_put_back_and_that_is_an_event() {
    let cluster = ready();
    let old = created(&cluster, "analyst");
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute("SELECT credentials.rotate('analyst', force => true)")
        .unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    // What a session does that was let in a moment before, and is seen a moment after.
    superuser
        .batch_execute(&format!("ALTER ROLE analyst PASSWORD '{MINE}'"))
        .unwrap();
    let drift = "SELECT FROM credentials.events('analyst') WHERE action = 'drift'";
    wait_until("the drift is found", SOON, || {
        !superuser.query(drift, &[]).unwrap().is_empty()
    });
    assert_eq!(waited(&cluster, "analyst"), "active");
    only_the_managed_password_logs_in(&cluster, "analyst", &[&old, MINE]);
}

#[test]
fn a_password_that_was_set_after_a_forced_rotation_is_not_put_back() {
    let cluster = ready();
    created(&cluster, "analyst");
    let mut superuser = cluster.superuser("app");
    superuser
        .batch_execute(&format!(
            "SELECT credentials.rotate('analyst', force => true);
             SELECT credentials.set_password('analyst', '{MINE}')"
        ))
        .unwrap();
    assert_eq!(waited(&cluster, "analyst"), "active");
    wait_until("the rotation is no longer looked after", SOON, || {
        let looked_after = "SELECT FROM credentials.job WHERE stage <> 'finished'";
        superuser.query(looked_after, &[]).unwrap().is_empty()
    });
    assert!(
        logs_in(&cluster, "analyst", MINE),
        "a newer password was replaced"
    );
}
