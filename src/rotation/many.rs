//! Passwords and their verifiers for many credentials at once. Hashing is all that they cost, so it is done
//! on all processors, in threads that know no server: they touch no memory of its, call nothing of it and
//! have no signal of its delivered.

use super::Fresh;
use crate::error::{Error, Kind, Result};
use crate::pg::{signals, xact};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// So many generated passwords with their verifiers. A cancel or a termination takes effect in between.
pub fn generate(count: usize) -> Result<Vec<Fresh>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let work = Work::new(count, Fresh::generate);
    while !work.is_done() {
        work.go_on(processors, &xact::interrupt_pending)?;
        xact::check_for_interrupts();
    }
    work.into_made()
}

/// Something to be made many times.
struct Work<T, F> {
    make: F,
    made: Vec<Mutex<Option<Result<T>>>>,
    /// The first that nobody has begun.
    next: AtomicUsize,
    stopped: AtomicBool,
}

impl<T: Send, F: Fn() -> Result<T> + Sync> Work<T, F> {
    fn new(count: usize, make: F) -> Work<T, F> {
        Work {
            make,
            made: (0..count).map(|_| Mutex::new(None)).collect(),
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    fn is_done(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.made.len()
    }

    /// Makes what is missing, with so many threads at most, this one included. What was begun is made
    /// before this returns, and no other thread is left then; it returns early when `pending` says so,
    /// since this thread must not raise or exit while others run.
    fn go_on(&self, processors: usize, pending: &dyn Fn() -> bool) -> Result<()> {
        self.stopped.store(false, Ordering::Relaxed);
        let missing = self.made.len() - self.next.load(Ordering::Relaxed).min(self.made.len());
        let helpers = processors.min(missing).saturating_sub(1);
        let whole = thread::scope(|scope| {
            let started: Vec<_> = {
                let _none = signals::Blocked::all();
                let start = |_| {
                    let thread = thread::Builder::new().name("credential hash".to_owned());
                    // Where the system gives no thread the others do its share.
                    thread
                        .spawn_scoped(scope, || while self.make_next() {})
                        .ok()
                };
                (0..helpers).map_while(start).collect()
            };
            while self.make_next() {
                if pending() {
                    self.stopped.store(true, Ordering::Relaxed);
                }
            }
            started.into_iter().all(|thread| thread.join().is_ok())
        });
        match whole {
            true => Ok(()),
            false => Err(died()),
        }
    }

    /// Makes one; tells whether there may be more to make.
    fn make_next(&self) -> bool {
        if self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        match self.made.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            Some(place) => {
                let made = (self.make)();
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                true
            }
            None => false,
        }
    }

    /// All that was made.
    fn into_made(self) -> Result<Vec<T>> {
        let take = |place: Mutex<Option<Result<T>>>| {
            let made = place.into_inner().unwrap_or_else(PoisonError::into_inner);
            made.unwrap_or_else(|| Err(died()))
        };
        self.made.into_iter().map(take).collect()
    }
}

fn died() -> Error {
    Kind::Internal
        .error("a thread that computed verifiers died")
        .detail("Nothing was changed.")
        .hint("Call again.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // A test may stop at the first surprise.
    use super::*;
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread::ThreadId;

    const NEVER: &dyn Fn() -> bool = &|| false;

    fn all<T: Send>(
        count: usize,
        processors: usize,
        make: impl Fn() -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let work = Work::new(count, make);
        while !work.is_done() {
            work.go_on(processors, NEVER)?;
        }
        work.into_made()
    }

    #[test]
    fn each_verifier_is_of_its_own_password_and_no_password_comes_twice() {
        let made = all(9, 4, Fresh::generate).unwrap();
        let passwords: HashSet<&str> = made
            .iter()
            .map(|fresh| fresh.secret.as_ref().unwrap().expose())
            .collect();
        assert_eq!(passwords.len(), 9);
        for fresh in &made {
            let own = fresh.secret.as_ref().unwrap().expose();
            assert!(passwords
                .iter()
                .all(|password| fresh.verifier.matches(password) == (*password == own)));
        }
    }

    #[test]
    fn as_many_threads_work_as_there_are_processors_or_pieces_and_no_signal_reaches_a_helper() {
        let before = signals::blocked_now();
        for (count, processors, threads) in [(6, 3, 3), (2, 8, 2), (1, 8, 1), (5, 1, 1)] {
            // Nobody goes on before everybody is there, so that none does two pieces while another sleeps.
            let meeting = Barrier::new(threads);
            let rounds = AtomicUsize::new(count - count % threads);
            let seen: Vec<(ThreadId, usize)> = all(count, processors, || {
                let left =
                    rounds.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
                if left.is_ok() {
                    meeting.wait();
                }
                Ok((thread::current().id(), signals::blocked_now().len()))
            })
            .unwrap();
            let all: HashSet<ThreadId> = seen.iter().map(|(thread, _)| *thread).collect();
            assert_eq!(all.len(), threads, "{count} on {processors}");
            let own = thread::current().id();
            assert!(all.contains(&own));
            let helpers = seen.iter().filter(|(thread, _)| *thread != own);
            assert!(helpers.into_iter().all(|(_, blocked)| *blocked == 29));
        }
        assert_eq!(signals::blocked_now(), before);
    }

    #[test]
    fn a_cancel_that_waits_stops_it_and_what_is_left_can_be_made_afterwards() {
        let count = AtomicUsize::new(0);
        let work = Work::new(100, || Ok(count.fetch_add(1, Ordering::Relaxed)));
        let made_one = || work.made[0].lock().unwrap().is_some();
        work.go_on(1, &made_one).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert!(!work.is_done());
        work.go_on(3, NEVER).unwrap();
        assert!(work.is_done());
        let mut made = work.into_made().unwrap();
        made.sort_unstable();
        assert_eq!(made, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_is_handed_on_and_a_thread_that_dies_is_an_internal_error() {
        let failing = all(3, 2, || Err::<(), _>(Kind::NotReady.error("no")));
        assert_eq!(failing.err().unwrap().kind(), Kind::NotReady);
        let own = thread::current().id();
        let meeting = Barrier::new(2);
        let dying = all(2, 2, || {
            meeting.wait();
            match thread::current().id() == own {
                true => Ok(()),
                false => panic!("a helper dies"),
            }
        });
        assert_eq!(dying.err().unwrap().message(), died().message());
    }

    #[test]
    fn nothing_to_make_is_nothing_made() {
        assert_eq!(all(0, 4, || Ok(1)).unwrap(), Vec::<i32>::new());
    }
}
