//! The hard rules for the code, each shown on a running server. The number in a test's name is the rule's.

mod audit;
mod callers;
mod changed;
mod functions;
mod names;
mod rotation;
mod targets;
mod worker;
