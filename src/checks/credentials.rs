//! Credentials that are old, unused, forgotten or without a limit, and passwords that are not what they
//! should be.

use super::finding::{Code, Finding};
use super::people::People;
use super::store::Stuck;
use crate::catalog::{Credential, State};
use crate::core::quote::{ident, literal};
use crate::error::shown;
use crate::pg::value::Time;
use crate::pg::Oid;
use std::collections::HashMap;

/// How time is counted.
pub struct Clock {
    /// Now.
    pub now: Time,
    /// `credential_manager.rotation_age`, where it is on.
    pub age: Option<i64>,
}

impl Clock {
    /// Whether `since` is longer ago than the age that is allowed.
    fn is_over(&self, since: Time) -> bool {
        self.age
            .is_some_and(|age| self.now.saturating_sub(since) / 1_000_000 > age)
    }

    fn days(&self, since: Time) -> i64 {
        self.now.saturating_sub(since) / 86_400_000_000
    }
}

fn about(code: Code, credential: &Credential, sentence: String, remedy: String) -> Finding {
    Finding::new(
        code,
        format!("credential {}", credential.name),
        sentence,
        remedy,
    )
}

/// A call of one of our functions about one credential.
fn call(function: &str, credential: &Credential, more: &str) -> String {
    format!(
        "SELECT * FROM credentials.{function}({}{more});",
        literal(&credential.name)
    )
}

/// A new password for a credential, whatever state it is in: with no downtime where that goes. One that
/// holds what no credential may is rotated by force alone, and a suspended one not at all.
pub fn new_password(credential: &Credential, elevated: bool) -> String {
    match credential.state {
        State::Suspended => call("set_password", credential, ""),
        State::Active | State::Lingering if !elevated => call("rotate", credential, ""),
        _ => call("rotate", credential, ", force => true"),
    }
}

/// Whether a credential takes logins, and no rotation is changing its password already.
fn is_settled(credential: &Credential) -> bool {
    matches!(credential.state, State::Active | State::Lingering)
}

/// Passwords older than the age that is allowed.
pub fn old(people: &People, clock: &Clock) -> Vec<Finding> {
    let since = |c: &Credential| c.rotated_at.unwrap_or(c.created_at);
    people
        .credentials
        .iter()
        .filter(|c| is_settled(c) && people.is_bound(c) && clock.is_over(since(c)))
        .map(|c| {
            let days = clock.days(since(c));
            let sentence = format!("Its password has been the same for {days} days at least.");
            about(
                Code::PasswordOld,
                c,
                sentence,
                new_password(c, is_elevated(people, c)),
            )
        })
        .collect()
}

/// Whether a credential's role holds what no credential may.
pub fn is_elevated(people: &People, credential: &Credential) -> bool {
    people
        .role(credential.role)
        .is_some_and(|r| r.superuser || r.createrole || r.replication || r.bypassrls)
        || people.leads_to_superuser(credential.role)
}

/// Credentials that nobody has logged in with for the age that is allowed. Default is there for emergencies too.
pub fn unused(people: &People, logins: &[(Oid, Time)], clock: &Clock) -> Vec<Finding> {
    let mut latest: HashMap<Oid, Time> = HashMap::new();
    for (role, at) in logins {
        if let Some(credential) = people.credential_of(*role) {
            let known = latest.entry(credential.role).or_insert(*at);
            *known = (*known).max(*at);
        }
    }
    people
        .credentials
        .iter()
        .filter(|c| is_settled(c) && !c.is_default())
        .filter_map(|c| {
            let login = latest.get(&c.role).copied().max(c.last_login_at);
            let since = login.unwrap_or(c.created_at).max(c.created_at);
            clock.is_over(since).then(|| {
                let sentence = match login {
                    Some(at) => {
                        format!("Nobody has logged in with it for {} days.", clock.days(at))
                    }
                    None => format!(
                        "Nobody has been seen to log in with it since it was made, {} days ago.",
                        clock.days(since)
                    ),
                };
                about(Code::CredentialUnused, c, sentence, call("suspend", c, ""))
            })
        })
        .collect()
}

/// Credentials that have been suspended for longer than the age that is allowed. `since` is what the audit
/// trail knows; events older than `kept` seconds may be gone from it.
pub fn suspended(
    people: &People,
    since: &[(Oid, Option<Time>)],
    kept: Option<i64>,
    clock: &Clock,
    database: &str,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (role, at) in since {
        let Some(c) = people.credentials.iter().find(|c| c.role == *role) else {
            continue;
        };
        let at_least = kept.map_or(c.created_at, |s| {
            c.created_at
                .max(clock.now.saturating_sub(s.saturating_mul(1_000_000)))
        });
        let at = at.unwrap_or(at_least);
        if people.is_bound(c) && clock.is_over(at) {
            let sentence = format!("It has been suspended for {} days.", clock.days(at));
            let confirm = format!(", confirm => {}", literal(database));
            found.push(about(
                Code::CredentialSuspended,
                c,
                sentence,
                call("destroy", c, &confirm),
            ));
        }
    }
    found
}

/// Credentials that may take every connection there is. Default is left out: who is to mend that must get in.
pub fn unlimited(people: &People, sessions: &[(Oid, Time)], max_connections: i64) -> Vec<Finding> {
    people
        .credentials
        .iter()
        .filter(|c| !c.is_default() && !matches!(c.state, State::Rotating | State::Destroying))
        .filter(|c| {
            people.is_bound(c)
                && people
                    .role(c.role)
                    .is_some_and(|r| r.connection_limit == -1)
        })
        .map(|c| {
            let present = sessions.iter().filter(|(role, _)| {
                people
                    .credential_of(*role)
                    .is_some_and(|o| o.role == c.role)
            });
            let present = i64::try_from(present.count()).unwrap_or(i64::MAX);
            let limit = (max_connections / 4).max(present.saturating_mul(2)).max(1);
            about(
                Code::CredentialUnlimited,
                c,
                "It may take every connection that the server has.".to_owned(),
                call("configure", c, &format!(", connection_limit => {limit}")),
            )
        })
        .collect()
}

/// Roles whose password is stored as an MD5 digest, which is as good as the password itself.
pub fn md5(people: &People) -> Vec<Finding> {
    let mut found = Vec::new();
    for role in people.all().into_iter().filter(|r| r.md5) {
        let remedy = match people.credential_of(role.oid) {
            // The rotation replaces it, or the destroy has taken it.
            Some(c)
                if matches!(c.state, State::Destroying)
                    || c.state == State::Rotating && c.role == role.oid =>
            {
                continue
            }
            Some(c) if !people.is_bound(c) => continue,
            Some(c) if c.role == role.oid => new_password(c, is_elevated(people, c)),
            Some(c) => call("rotate", c, ", force => true"),
            None => format!("ALTER ROLE {} PASSWORD NULL;", ident(&role.name)),
        };
        let sentence = match people.credential_of(role.oid) {
            Some(_) => "Its password is stored as an MD5 digest, which can be used as it is.",
            None => "Its password is stored as an MD5 digest, which can be used as it is. Afterwards it needs a new one: \\password.",
        };
        found.push(Finding::of_role(
            Code::PasswordMd5,
            &role.name,
            sentence,
            remedy,
        ));
    }
    found
}

/// Credentials whose role no longer has the password that url() tells.
pub fn drifted(people: &People, roles: &[Oid]) -> Vec<Finding> {
    people
        .credentials
        .iter()
        .filter(|c| roles.contains(&c.role))
        .map(|c| {
            let remedy = match c.state {
                State::Suspended => new_password(c, false),
                _ => call("rotate", c, ", force => true"),
            };
            about(
                Code::PasswordDrift,
                c,
                format!("The password of role \"{}\" was changed by other means: what url() tells does not log in.", shown(&c.role_name)),
                remedy,
            )
        })
        .collect()
}

/// A job that a person is needed for.
pub fn stuck(jobs: &[Stuck]) -> Vec<Finding> {
    jobs.iter()
        .map(|job| {
            Finding::new(
                Code::JobBlocked,
                format!("job {}", job.id),
                format!(
                    "The {} of {} cannot go on: {}",
                    job.kind,
                    literal(&job.name),
                    job.message
                ),
                format!("SELECT * FROM credentials.cancel_job({});", job.id),
            )
        })
        .collect()
}
