//! Signals of this process. The server's handlers are for its one thread: they may wake, raise and exit.

use std::mem::MaybeUninit;
use std::ptr;

/// While this lives no signal is delivered to this thread, and a thread that it starts has none delivered
/// ever. What arrives meanwhile is delivered afterwards.
pub struct Blocked(libc::sigset_t);

impl Blocked {
    /// Blocks all signals in this thread.
    #[must_use = "the former mask comes back when this value is dropped"]
    pub fn all() -> Blocked {
        // SAFETY: both sets are on this stack; sigfillset writes all of the one, pthread_sigmask of the
        // other, and with a valid first argument and valid sets neither can fail.
        unsafe {
            let mut every = MaybeUninit::uninit();
            let mut former = MaybeUninit::uninit();
            libc::sigfillset(every.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, every.as_ptr(), former.as_mut_ptr());
            Blocked(former.assume_init())
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: puts back the set that was there.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut());
        }
    }
}

/// The signals that this thread has blocked, of those that can be.
#[cfg(test)]
pub fn blocked_now() -> Vec<i32> {
    // SAFETY: reads the mask into a set on this stack, and asks of signals that exist.
    unsafe {
        let mut now = MaybeUninit::uninit();
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), now.as_mut_ptr());
        let now = now.assume_init();
        (1..32)
            .filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal))
            .filter(|signal| libc::sigismember(&now, *signal) == 1)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_blocked_while_it_lives_and_the_mask_is_as_before_afterwards() {
        let before = blocked_now();
        {
            let _none = Blocked::all();
            assert_eq!(blocked_now().len(), 29);
        }
        assert_eq!(blocked_now(), before);
        assert!(before.len() < 29, "nothing was blocked to begin with");
    }
}
