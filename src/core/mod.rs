//! Pure ground: names, secrets, verifiers, sealing, URLs. Nothing here knows a server.
//!
//! Read in this order: [`name`] (what a credential may be called), [`secret`] (how a password is
//! held and made), [`password`] (what a caller may hand in), [`scram`] with `saslprep` (what the
//! server is handed), [`cipher`] with `keyfile` (how a password is kept), [`url`] (how it is
//! told). `random` is where all of them draw from. [`quote`] writes statements that are shown.

pub mod app;
pub mod cipher;
mod keyfile;
pub mod name;
pub mod password;
pub mod quote;
mod random;
mod saslprep;
pub mod scram;
pub mod secret;
pub mod url;

/// Refuses to compile when a type has a trait it must not have: with the trait there are two
/// implementations of `Ambiguous` to choose from, and the compiler cannot tell which is meant.
#[cfg(test)]
macro_rules! assert_not_impl {
    ($type:ty: $($wrong:path),+ $(,)?) => {$(
        const _: fn() = || {
            trait Ambiguous<A> { fn pick() {} }
            struct HasTheTrait;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $wrong> Ambiguous<HasTheTrait> for T {}
            let _ = <$type as Ambiguous<_>>::pick;
        };
    )+};
}
#[cfg(test)]
use assert_not_impl;
