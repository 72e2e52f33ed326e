//! One walk over everything a scope holds in this database: read once, moved in batches.

use super::attempt::{attempt, pause, Failure};
use super::class::{self, Action, Owner};
use super::inventory::{self, Entry};
use super::neutral::{self, Moving, Reach};
use super::outcome::BatchOutcome;
use super::{rights, Item, Scope};
use crate::error::{shown, Kind, Result};
use crate::pg::hold::{self, Held, Locks};
use crate::pg::owner::{self, Class};
use crate::pg::{authority, ident, xact};
use std::collections::VecDeque;

/// Entries of the server's lock table that one batch may take. The table holds at least
/// max_locks_per_transaction (64) times max_connections (100) of them for the whole cluster.
const MOST_LOCKS: usize = 200;

/// Longest wait for anything while locks of a batch are held, in milliseconds: none, as near as
/// `lock_timeout` can say it.
const NO_WAIT_MS: i32 = 1;

/// What is left to do of one pass. It lives in memory: after a crash a new one finds what is left.
#[derive(Debug)]
pub struct Pass {
    scope: Scope,
    total: u64,
    done: u64,
    queue: VecDeque<Entry>,
    busy: VecDeque<Entry>,
    /// What is the scope's to move and could not be.
    stuck: Vec<Item>,
    /// Tries in a row that found the object in use.
    failures: u32,
    /// The relations that it moves.
    moving: Moving,
}

/// What became of one object.
enum Fate {
    Moved,
    /// Gone, or somebody else's by now.
    Gone,
    Told(Action, String),
}

impl Pass {
    /// Lists what the scope holds. Objects that stay are not counted; `plan` names them.
    pub fn begin(scope: Scope) -> Result<Pass> {
        scope.check()?;
        let queue: VecDeque<Entry> = inventory::list(&scope)?
            .into_iter()
            .filter(|e| super::moves(&scope, e))
            .collect();
        Ok(Pass {
            moving: Moving::of(queue.iter()),
            done: 0,
            total: queue.len() as u64,
            queue,
            scope,
            busy: VecDeque::new(),
            stuck: Vec::new(),
            failures: 0,
        })
    }

    /// How many objects were found that are to move.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of them are done with: moved, gone, or staying after all.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// What could not be moved, each with what the server said.
    pub fn stuck(&self) -> &[Item] {
        &self.stuck
    }

    /// One transaction's worth; the caller commits. After an error the caller rolls back and begins a
    /// new pass: what this one counted did not happen.
    ///
    /// Objects are taken as they stand in the list until `batch_size` of them or their locks fill the
    /// batch; one that is in use is put off without waiting. When only those are left whose turn it is, each
    /// comes alone and is waited for up to `lock_timeout_ms`.
    pub fn batch(&mut self, batch_size: i32, lock_timeout_ms: i32) -> Result<BatchOutcome> {
        self.scope.check()?;
        let mut outcome = BatchOutcome::default();
        if self.queue.front().is_none_or(|next| self.must_wait(next)) {
            self.alone(lock_timeout_ms, &mut outcome)?;
        } else {
            self.together(
                usize::try_from(batch_size).unwrap_or(1).max(1),
                &mut outcome,
            )?;
        }
        self.scope.check()?;
        outcome.busy = self.busy.len() as u64;
        for entry in self.busy.iter().take(3) {
            let found = inventory::identify(entry.facts.class, entry.object)?;
            outcome
                .busy_first
                .extend(found.map(|(kind, name)| format!("{kind} {}", shown(&name))));
        }
        outcome.finished = self.queue.is_empty() && self.busy.is_empty();
        Ok(outcome)
    }

    /// Takes what is free, and moves it in one subtransaction; where one object fails, each in its own.
    fn together(&mut self, size: usize, outcome: &mut BatchOutcome) -> Result<()> {
        let _wait = xact::lock_timeout(NO_WAIT_MS);
        let batch = self.take(size);
        let moved = xact::subtransaction(|| {
            batch
                .iter()
                .map(|(entry, locks)| self.carry(entry, locks))
                .collect::<Result<Vec<Fate>>>()
        });
        if let Ok(Ok(fates)) = moved {
            for ((entry, _), fate) in batch.into_iter().zip(fates) {
                self.settle(&entry, fate, outcome)?;
            }
            return Ok(());
        }
        for (entry, locks) in batch {
            match attempt(|| self.carry(&entry, &locks)) {
                Ok(fate) => self.settle(&entry, fate, outcome)?,
                Err(failure) => self.fail(entry, failure, outcome)?,
            }
            xact::check_for_interrupts();
        }
        Ok(())
    }

    /// Whether something whose turn is before this one's is still in use: what a view reads must not change
    /// hands before the view does, or it could not be told what the view's owner could read.
    fn must_wait(&self, next: &Entry) -> bool {
        let turn = class::turn(&next.facts);
        self.busy.iter().any(|e| class::turn(&e.facts) < turn)
    }

    /// Takes objects off the queue with their locks, up to the size of the batch.
    fn take(&mut self, size: usize) -> Vec<(Entry, Locks)> {
        let mut batch = Vec::new();
        let mut locks_held = 0;
        while batch.len() < size {
            let Some(entry) = self.queue.pop_front() else {
                break;
            };
            if self.must_wait(&entry) {
                self.queue.push_front(entry);
                break;
            }
            match hold::lock(entry.facts.class, entry.object, false) {
                Held::Yes(locks) if locks_held > 0 && locks_held + locks.count() > MOST_LOCKS => {
                    locks.release();
                    self.queue.push_front(entry);
                    break;
                }
                Held::Yes(locks) => {
                    locks_held += locks.count();
                    batch.push((entry, locks));
                }
                Held::Busy => self.busy.push_back(entry),
                Held::Gone => self.done += 1,
            }
        }
        batch
    }

    /// Waits for one object that was in use, and moves it.
    fn alone(&mut self, lock_timeout_ms: i32, outcome: &mut BatchOutcome) -> Result<()> {
        let Some(entry) = self.busy.pop_front() else {
            return Ok(());
        };
        let _wait = xact::lock_timeout(lock_timeout_ms.max(1));
        let tried = attempt(|| match hold::lock(entry.facts.class, entry.object, true) {
            Held::Yes(locks) => self.carry(&entry, &locks).map(Some),
            Held::Busy => Ok(None),
            Held::Gone => Ok(Some(Fate::Gone)),
        });
        match tried {
            Ok(Some(fate)) => {
                self.failures = 0;
                self.settle(&entry, fate, outcome)
            }
            Ok(None) | Err(Failure::Busy) => {
                self.busy.push_back(entry);
                self.failures += 1;
                outcome.pause_ms = pause(lock_timeout_ms, self.failures, self.busy.len());
                Ok(())
            }
            Err(failure) => self.fail(entry, failure, outcome),
        }
    }

    /// Moves one object whose locks are held, and prevents what would run with the new owner's rights.
    fn carry(&self, entry: &Entry, locks: &Locks) -> Result<Fate> {
        let (class, object) = (entry.facts.class, entry.object);
        if owner::of(class, object) != Some(entry.owner) {
            return Ok(Fate::Gone);
        }
        if let Some(why) = self.changed(entry) {
            return Ok(Fate::Told(Action::Skip, why.to_owned()));
        }
        if !self.scope.may_reach_further() {
            return self.give(entry).map(|()| Fate::Moved);
        }
        let reads = neutral::reads(entry)?;
        let reach = Reach {
            more: reads
                .iter()
                .any(|read| self.moving.reaches_further(entry, read)),
            less: reads.iter().any(|r| r.less),
        };
        if neutral::must_stay(entry, reach) {
            return Ok(Fate::Told(Action::Skip, neutral::stays(entry).to_owned()));
        }
        self.give(entry)?;
        // Of a role within the new owner's reach, what runs with its owner's rights reaches no further than before.
        if class == Class::Routine && entry.facts.owner != Owner::Within {
            if let Some(why) = neutral::close_routine(object)? {
                return Ok(Fate::Told(Action::Neutralise, why.to_owned()));
            }
        }
        if neutral::must_close(entry, reach) {
            neutral::close(class, object)?;
            return Ok(Fate::Told(Action::Neutralise, neutral::CLOSED.to_owned()));
        }
        if self.scope.keeps_access() && may_keep(entry) {
            rights::keep(entry, locks)?;
        }
        Ok(Fate::Moved)
    }

    fn give(&self, entry: &Entry) -> Result<()> {
        let (class, object, to) = (entry.facts.class, entry.object, entry.to);
        owner::give(class, object, to)?;
        match owner::of(class, object) {
            Some(owner) if owner == to => Ok(()),
            _ => Err(Kind::Internal.error("an object did not take its new owner")),
        }
    }

    /// Why an object that was to move in a repair no longer may: what it was listed as has changed.
    fn changed(&self, entry: &Entry) -> Option<&'static str> {
        if matches!(self.scope, Scope::Role { .. }) {
            return None;
        }
        if owner::is_extension_member(entry.facts.class, entry.object) {
            return Some("became a member of an extension");
        }
        let was = entry.facts.owner == Owner::Superuser;
        (authority::is_superuser(entry.owner) != was)
            .then_some("its owner's rights changed meanwhile")
    }

    fn settle(&mut self, entry: &Entry, fate: Fate, outcome: &mut BatchOutcome) -> Result<()> {
        self.done += 1;
        let (moved, told) = match fate {
            Fate::Gone => (false, None),
            Fate::Moved => (true, None),
            Fate::Told(action, why) => (action == Action::Neutralise, Some((action, why))),
        };
        outcome.moved += u64::from(moved);
        if let Some((action, why)) = told {
            outcome.notes.extend(super::describe(entry, action, &why)?);
        }
        Ok(())
    }

    fn fail(&mut self, entry: Entry, failure: Failure, outcome: &mut BatchOutcome) -> Result<()> {
        match failure {
            Failure::Busy => self.busy.push_back(entry),
            // What was dropped under us is done with.
            Failure::Broken(_) if owner::of(entry.facts.class, entry.object).is_none() => {
                self.done += 1
            }
            Failure::Broken(message) => {
                self.done += 1;
                let item = super::report(&entry, Action::Block, &message)?;
                self.stuck.extend(item.clone());
                outcome.notes.extend(item);
            }
        }
        Ok(())
    }
}

/// A former owner keeps its rights where it is still a role of its own, and none that it has by itself.
fn may_keep(entry: &Entry) -> bool {
    !matches!(entry.facts.owner, Owner::Superuser | Owner::Vanished)
        && !entry.bare_type
        && ident::role_name(entry.owner).is_some()
}
