//! The attacks of the threat model that touch what is built, as its SQL gives them. The number in a test's name is the
//! threat's.

mod configuration;
mod errors;
mod home;
mod owner;
mod permissions;
mod resolution;
mod trojans;
mod wire;
