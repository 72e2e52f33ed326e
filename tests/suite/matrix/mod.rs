//! The set-ups of two well-known guides, their scripts run by hand on one server, and our layouts on another: the same
//! people try the same statements in both, as real logins, and get the same answers. Where they do not, the difference
//! is named, with its reason; a difference that is named and not there fails too.

mod four_roles;
mod owner_writer_reader;
mod statements;

use std::collections::BTreeMap;

use postgres::{Client, NoTls};

use crate::harness::Cluster;
use crate::scene::{outcome, run};

/// Whoever has a part in a set-up: a word for it, and its login by hand and in our layout.
struct Person {
    part: &'static str,
    by_hand: &'static str,
    ours: &'static str,
}

/// Somebody with a session.
struct Login {
    part: &'static str,
    role: String,
    url: String,
    session: Client,
}

/// One set-up on one server, with a session of everybody.
struct House {
    people: Vec<Login>,
    cluster: Cluster,
}

/// What each part was answered for each statement: `ok`, or the SQLSTATE.
type Answers = BTreeMap<(&'static str, String), String>;

/// An answer that is meant to differ.
struct Difference {
    /// The parts that it is for.
    parts: &'static [&'static str],
    /// Statements that hold all of these words.
    like: &'static [&'static str],
    /// What the script by hand answers, and what we do.
    by_hand: &'static str,
    ours: &'static str,
    why: &'static str,
}

const PASSWORD: &str = "a-password-that-was-set-by-hand";

impl House {
    /// Logs everybody in: by hand with [`PASSWORD`], else with what `url()` tells.
    #[track_caller]
    fn open(cluster: Cluster, people: &[Person], by_hand: bool) -> House {
        let people = people
            .iter()
            .map(|person| {
                let role = if by_hand { person.by_hand } else { person.ours };
                let url = match by_hand {
                    true => format!(
                        "postgres://{role}:{PASSWORD}@127.0.0.1:{}/app",
                        cluster.port()
                    ),
                    false => cluster.url(role),
                };
                let session = cluster
                    .connect(&url)
                    .unwrap_or_else(|error| panic!("{role}: {error:?}"));
                Login {
                    part: person.part,
                    role: role.to_owned(),
                    url,
                    session,
                }
            })
            .collect();
        House { people, cluster }
    }

    fn session(&mut self, part: &str) -> &mut Client {
        let found = self.people.iter_mut().find(|login| login.part == part);
        &mut found.expect("somebody of that part").session
    }

    /// Has everybody try everything; each try is rolled back. `$part` in a statement is that part's login.
    fn answers(&mut self, statements: &[String]) -> Answers {
        let names: Vec<(String, String)> = self
            .people
            .iter()
            .map(|login| (format!("${}", login.part), format!("\"{}\"", login.role)))
            .collect();
        let mut answers = Answers::new();
        for login in &mut self.people {
            for statement in statements {
                let sql = names.iter().fold(statement.clone(), |sql, (part, role)| {
                    sql.replace(part, role)
                });
                let answer = match sql.contains("STDIN") || sql.contains("STDOUT") {
                    true => copied(&self.cluster, &login.url, &sql),
                    false => answer(&mut login.session, &sql),
                };
                answers.insert((login.part, statement.clone()), answer);
            }
        }
        answers
    }
}

/// One try, rolled back.
fn answer(session: &mut Client, sql: &str) -> String {
    run(session, "BEGIN");
    let state = outcome(session, sql);
    run(session, "ROLLBACK");
    match state.is_empty() {
        true => "ok".to_owned(),
        false => state,
    }
}

/// The same by psql, for a COPY that sends rows or takes them.
fn copied(cluster: &Cluster, url: &str, sql: &str) -> String {
    let script = [
        "-v",
        "VERBOSITY=sqlstate",
        "-c",
        "BEGIN",
        "-c",
        sql,
        "-c",
        "ROLLBACK",
        url,
    ];
    let output = cluster.psql(&script, "-7\tcopied\n\\.\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match said.lines().find_map(|line| line.strip_prefix("ERROR:  ")) {
        Some(state) => state.to_owned(),
        None => {
            assert!(output.status.success(), "{sql}: {said}");
            "ok".to_owned()
        }
    }
}

/// A session of a superuser's that everybody may try to look at and to end.
fn watched(house: &House) -> Client {
    let mut config = house.cluster.superuser_config("app");
    config.application_name("watched");
    let mut session = config.connect(NoTls).expect("a superuser's session");
    run(&mut session, "SELECT 1");
    session
}

/// The answers for one table, as those for another.
fn renamed(answers: &Answers, from: &str, to: &str) -> Answers {
    let on_it = answers.iter().filter(|((_, sql), _)| sql.contains(from));
    on_it
        .map(|((part, sql), answer)| ((*part, sql.replace(from, to)), answer.clone()))
        .collect()
}

/// Compares all answers, and tells every one that differs and is not named, or is named and does not differ.
#[track_caller]
fn same(by_hand: &Answers, ours: &Answers, differences: &[Difference]) {
    let mut wrong = Vec::new();
    let mut met = vec![false; differences.len()];
    for (key, theirs) in by_hand {
        let mine = &ours[key];
        let (part, statement) = key;
        let named = differences.iter().position(|d| {
            d.parts.contains(part) && d.like.iter().all(|word| statement.contains(word))
        });
        match named {
            Some(at) => {
                met[at] = true;
                let d = &differences[at];
                if (theirs.as_str(), mine.as_str()) != (d.by_hand, d.ours) {
                    wrong.push(format!(
                        "{part}: {statement}: by hand {theirs}, ours {mine}, named otherwise: {}",
                        d.why
                    ));
                }
            }
            None if theirs != mine => {
                wrong.push(format!(
                    "{part}: {statement}: by hand {theirs}, ours {mine}"
                ));
            }
            None => {}
        }
    }
    for (difference, met) in differences.iter().zip(met) {
        if !met {
            wrong.push(format!("no statement is like {:?}", difference.like));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // What both refuse altogether would be equal as well.
    for answer in ["ok", "42501"] {
        let count = by_hand.values().filter(|a| *a == answer).count();
        assert!(count > 20, "{count} answers are {answer}");
    }
}
