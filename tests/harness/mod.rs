//! Throwaway PostgreSQL clusters for black-box tests, with real clients over real sockets.
//!
//! A [`Cluster`] is a copy of a template data directory, with its own port and socket directory, and a server that
//! is a child of the test. It ends with the value: the server is stopped by its process id, the invariants of
//! [`invariants`] are checked, the files go. No test waits for a time: [`wait_until`] waits for a fact.

mod builder;
mod clients;
mod cluster;
mod errors;
mod faults;
mod hostile;
mod invariants;
mod place;
mod process;
pub mod programs;
mod standby;
mod wait;

pub use builder::Builder;
pub use cluster::{free_port, Cluster};
pub use errors::{expect_error, sqlstate};
pub use place::Place;
pub use wait::{wait_until, SOON};
