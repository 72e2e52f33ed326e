//! The one source of randomness: the operating system's generator.

use rand::rngs::OsRng;
use rand::TryRngCore;

use crate::error::{Kind, Result};

/// Fills the buffer from the operating system's generator (getrandom(2) on Linux).
///
/// # Errors
/// `Kind::Internal` where the system gives no randomness. There is no second source to fall back
/// to: a weaker one would make passwords that look like good ones.
pub(crate) fn fill(buffer: &mut [u8]) -> Result<()> {
    OsRng.try_fill_bytes(buffer).map_err(|_| {
        Kind::Internal
            .error("the operating system gave no random bytes")
            .detail("Passwords, salts and nonces are drawn from its generator alone.")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
    use super::*;

    #[test]
    fn two_fillings_differ_and_reach_every_byte() {
        let (mut a, mut b) = ([0u8; 4096], [0u8; 4096]);
        fill(&mut a).unwrap();
        fill(&mut b).unwrap();
        assert_ne!(a, b);
        // 64 zeros in a row at either end would come up once in 2^512 times.
        assert!(a[..64].iter().any(|x| *x != 0) && a[4032..].iter().any(|x| *x != 0));
    }
}
