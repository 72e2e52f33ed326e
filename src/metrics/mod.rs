//! Metrics: figures for monitoring, in one fixed order.
//!
//! Labels have names of credentials and usernames, never a secret. Everything is read, so a follower tells
//! its own connections, and the rest as of what it has replayed.

pub mod api;
mod figure;
mod store;

use crate::access;
use crate::catalog::{self, twin, Credential, Phase, Twin};
use crate::error::Result;
use crate::pg::session::{self, Session};
use crate::pg::value::Time;
use crate::pg::{ident, time, Oid};
use figure::{age, by_state, ratio, seconds, Figure};
use serde_json::json;

/// Every figure: by metric in the order of the manual, then by name, default first.
fn gather() -> Result<Vec<Figure>> {
    let credentials = catalog::all()?;
    let twins = twin::all()?;
    let now = time::now();
    let mut figures = by_state(&states(&credentials)?);
    figures.extend(credentials.iter().map(|c| age_of(c, now)));
    figures.extend(connections(&credentials, &twins));
    figures.extend(jobs()?);
    figures.extend(rotations(&credentials, &twins, now));
    for (action, count) in store::events()? {
        let labels = json!({"action": action});
        figures.push(Figure::new("events_total", labels, count as f64));
    }
    Ok(figures)
}

fn states(credentials: &[Credential]) -> Result<Vec<catalog::State>> {
    credentials.iter().map(access::seen_state).collect()
}

/// How old the password is; one that was not changed yet is as old as the credential.
fn age_of(credential: &Credential, now: Time) -> Figure {
    let since = credential.rotated_at.unwrap_or(credential.created_at);
    let labels = json!({"name": credential.name});
    Figure::new("credential_age_seconds", labels, age(since, now))
}

/// The sessions of each username, the twin's after the credential's own.
fn connections(credentials: &[Credential], twins: &[Twin]) -> Vec<Figure> {
    let sessions = session::all();
    let mut figures = Vec::new();
    for credential in credentials {
        figures.push(connections_of(
            credential,
            credential.role,
            &credential.role_name,
            &sessions,
        ));
        for twin in twins.iter().filter(|twin| twin.base == credential.role) {
            let username = ident::role_name(twin.role).unwrap_or_else(|| credential.twin_name());
            figures.push(connections_of(credential, twin.role, &username, &sessions));
        }
    }
    figures
}

fn connections_of(
    credential: &Credential,
    role: Oid,
    username: &str,
    sessions: &[Session],
) -> Figure {
    let open = sessions.iter().filter(|s| s.client && s.role == role);
    let labels = json!({"name": credential.name, "username": username});
    Figure::new("credential_connections", labels, open.count() as f64)
}

fn jobs() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for jobs in store::jobs()? {
        let labels = json!({"kind": jobs.kind, "state": jobs.state});
        figures.push(Figure::new("jobs", labels, jobs.count as f64));
    }
    for job in store::progress()? {
        if let Some(ratio) = ratio(job.done, job.total) {
            // A label is a text everywhere that it goes.
            let labels = json!({"job": job.job.to_string(), "kind": job.kind, "name": job.name});
            figures.push(Figure::new("job_done_ratio", labels, ratio));
        }
    }
    Ok(figures)
}

/// How long the old password of a rotation is good at most; negative where something holds the cut-over up.
fn rotations<'a>(
    credentials: &'a [Credential],
    twins: &'a [Twin],
    now: Time,
) -> impl Iterator<Item = Figure> + 'a {
    credentials.iter().filter_map(move |credential| {
        let of = |twin: &&Twin| twin.base == credential.role && twin.phase == Phase::Draining;
        let twin = twins.iter().find(of)?;
        let labels = json!({"name": credential.name});
        let left = seconds(now, twin.deadline);
        Some(Figure::new("rotation_seconds_left", labels, left))
    })
}
