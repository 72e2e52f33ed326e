//! The launcher: waits, starts the worker when something is due, ends sessions that nobody else must
//! wait for. It is connected to no database.

use crate::pg::value::Time;
use crate::pg::worker::{self, Run, Started};
use crate::pg::{database, follow, log, logins, session, shared, shmem, sweeps, time, Oid};
use crate::settings;

/// Longest sleep, in milliseconds: a clock that was set is noticed after this.
const LONGEST_NAP: i64 = 30_000;
/// Pause between looks while sessions are being swept, in milliseconds.
const SWEEP_PAUSE: i64 = 250;
/// Pause between looks while a worker waits for a lock that others hold, in milliseconds.
const SIEGE_PAUSE: i64 = 20;
/// How long somebody who is merely before a waiting worker is left alone, in microseconds: most calls and
/// statements are over sooner.
const PATIENCE: Time = 300_000;
/// Pause before another try where a worker could not be started or came to grief, in milliseconds.
const BACK_OFF: i64 = 5_000;
/// The same where only a person can change what is wrong, in milliseconds.
const RARE: i64 = 10_000;
/// The longest such pause.
const LONGEST_PAUSE: i64 = 60_000;
/// Longest sleep on a follower, in milliseconds: a promotion is noticed after this.
const FOLLOWING: i64 = 1_000;
/// A follower's worker that ends sooner after its start than this came to grief, in microseconds.
const TO_GRIEF: Time = 60_000_000;

/// Pause between two writings of noted logins, in milliseconds.
const FLUSH: i64 = 300_000;

/// The launcher's memory.
#[derive(Default)]
struct Watch {
    running: Option<Started>,
    /// Whether the server is a follower, as it was last seen.
    following: bool,
    /// When that worker was started.
    started: Time,
    /// When the launcher would look again if that worker said nothing.
    unheard: Time,
    /// How many workers in a row have ended without a word.
    failures: u32,
    /// Not before this is another worker started.
    not_before: Time,
    /// When noted logins are next written.
    next_flush: Time,
    /// Who was told to have been ended in a sweep, and has yet to go: each is told once.
    ending: Vec<session::Session>,
    /// What was last complained about, so that each trouble is told once.
    trouble: Option<&'static str>,
}

/// Runs until the server stops.
pub(super) fn run() {
    worker::connect_launcher();
    shmem::announce_launcher(session::own_pid());
    let mut watch = Watch {
        following: database::in_recovery(),
        ..Watch::default()
    };
    if watch.following {
        // Nothing but memory is read and written here, so nothing can be in the way.
        let _ = worker::transaction(|| {
            follow::begin();
            Ok(())
        });
    }
    loop {
        worker::reload_if_asked();
        watch.notice_promotion();
        watch.end_swept();
        watch.start_if_due();
        end_besieged();
        worker::nap(watch.pause());
    }
}

impl Watch {
    fn start_if_due(&mut self) {
        if self.running.as_ref().is_some_and(|w| w.run() == Run::Ended) {
            self.running = None;
            self.after_the_end();
        }
        if self.running.is_some() {
            return;
        }
        let now = time::now();
        if self.following {
            // It stays for as long as the server is a follower.
            if now >= self.not_before {
                self.start(now, "follow");
            }
            return;
        }
        self.flush_logins(now);
        let due = shmem::next_due().is_some_and(|due| due <= now) && now >= self.not_before;
        // A commit that left work is news: whatever was wrong may be right since. It is no news to a
        // database in which workers come to grief.
        let news = self.failures < 2 && shmem::take_look_now(now);
        if news || due {
            self.start(now, "home");
        }
    }

    /// Logins that were noted in memory go into rows once in a while, so that a crash loses few.
    fn flush_logins(&mut self, now: Time) {
        if now < self.next_flush {
            return;
        }
        self.next_flush = now + FLUSH * 1_000;
        if !logins::noted().is_empty() && settings::database().is_some() {
            shmem::ask_to_look();
        }
    }

    fn start(&mut self, now: Time, task: &str) {
        let Some(home) = settings::database() else {
            return self.complain(
                "credential_manager.database is empty: nothing is done",
                now,
                true,
            );
        };
        let found = worker::transaction(|| Ok(shared::database_oid(&home)));
        let Ok(Ok(Some(database))) = found else {
            return self.complain(
                "the database that credential_manager.database names does not exist",
                now,
                true,
            );
        };
        // A worker that comes to grief before it says when to look again is not run in a loop; each that
        // does so after another doubles the pause. Said before it starts, or its word would be lost.
        let pause = (BACK_OFF << self.failures.min(4)).min(LONGEST_PAUSE);
        self.unheard = now + pause * 1_000;
        shmem::set_next_due(Some(self.unheard));
        match worker::start(database, task) {
            Some(started) => {
                self.running = Some(started);
                self.started = now;
                self.trouble = None;
                // What was wrong is right again, so that what is due next is not late.
                self.not_before = 0;
            }
            None => self.complain(
                "no background worker is free (max_worker_processes)",
                now,
                false,
            ),
        }
    }

    /// A worker has ended: in good order, if it said when to look again.
    fn after_the_end(&mut self) {
        // It may have been ended while it laid siege.
        shmem::besiege(0);
        if self.following {
            let soon = time::now() < self.started + TO_GRIEF;
            self.failures = if soon { self.failures + 1 } else { 0 };
            self.not_before = self.unheard.max(time::now() + BACK_OFF * 1_000);
        } else if shmem::next_due() == Some(self.unheard) {
            self.failures += 1;
            self.not_before = self.unheard;
        } else {
            self.failures = 0;
        }
    }

    /// A follower that became a primary goes on as after a start: its jobs are looked at at once.
    fn notice_promotion(&mut self) {
        if !self.following || database::in_recovery() {
            return;
        }
        self.following = false;
        self.failures = 0;
        self.not_before = 0;
        follow::set_promoted(true);
        shmem::set_next_due(None);
        shmem::ask_to_look();
        if let Some(follower) = &self.running {
            follower.wake();
        }
    }

    /// Ends sessions that began before a cut-over: a login may have been on its way when it happened.
    fn end_swept(&mut self) {
        let sweeps = sweeps::sweeps();
        if sweeps.is_empty() {
            self.ending.clear();
            return;
        }
        let all = session::all();
        self.ending.retain(|s| all.contains(s));
        for found in all {
            let late = sweeps
                .iter()
                .any(|s| Oid::from(s.role) == found.role && found.started <= s.before);
            if !found.client || !late || !session::end(&found) {
                continue;
            }
            sweeps::set_swept();
            if self.ending.contains(&found) {
                continue;
            }
            self.ending.push(found);
            let why = if self.following {
                "the primary has closed it or replaced its password"
            } else {
                "whose login was on its way when its password was replaced"
            };
            log::line(&format!(
                "credential_manager: ended session {} of role {}, {why}",
                found.pid,
                found.role.to_u32()
            ));
        }
    }

    /// Says what is wrong once, and tries again later; what only a person can change waits longer.
    fn complain(&mut self, trouble: &'static str, now: Time, rare: bool) {
        if self.trouble != Some(trouble) {
            log::line(&format!("credential_manager: {trouble}"));
            self.trouble = Some(trouble);
        }
        let pause = if rare { RARE } else { BACK_OFF };
        self.not_before = now + pause * 1_000;
        shmem::set_next_due(Some(self.not_before));
    }

    fn pause(&self) -> i64 {
        if shmem::besieging().is_some() {
            return SIEGE_PAUSE;
        }
        let mut pause = if self.following {
            FOLLOWING
        } else {
            LONGEST_NAP
        };
        if !sweeps::sweeps().is_empty() {
            pause = SWEEP_PAUSE;
        }
        if self.running.is_none() {
            let due = shmem::next_due().map(|due| due.max(self.not_before));
            let news = shmem::news_at().filter(|_| self.failures < 2);
            for at in [due, news].into_iter().flatten() {
                pause = pause.min((at - time::now()) / 1_000 + 1);
            }
        }
        pause.max(1)
    }
}

/// Ends whoever stands before the waiting worker in the queue of its lock, superusers excepted.
fn end_besieged() {
    let Some((waiting, since)) = shmem::besieging() else {
        return;
    };
    if time::now() < since + PATIENCE {
        return;
    }
    // In a transaction: superusers are told apart in the catalogs, and memory is given back.
    let judged = worker::transaction(|| {
        let blockers = session::blockers_of(waiting);
        let prepared = blockers.contains(&0);
        let present = blockers.into_iter().filter_map(session::by_pid);
        let (ours, others) =
            present.partition::<Vec<_>, _>(|s| s.client && !shared::is_superuser(s.role));
        Ok((ours, others, prepared))
    });
    let Ok(Ok((ours, others, prepared))) = judged else {
        return;
    };
    for found in ours {
        if session::end(&found) {
            log::line(&format!(
                "credential_manager: ended session {}, which held a role that is to be changed now",
                found.pid
            ));
        }
    }
    if let Some(other) = others.first() {
        shmem::set_holdout(other.pid);
    } else if prepared {
        shmem::set_holdout(shmem::PREPARED);
    }
}
