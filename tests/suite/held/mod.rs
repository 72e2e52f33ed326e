//! A role that somebody holds: forced rotation, suspension and destruction end all the same, and only the managed
//! secret logs in afterwards.

mod force;
mod holders;
pub mod people;
mod prepared;
pub mod slow_login;
mod superusers;
