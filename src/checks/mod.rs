//! Findings, each with the statement that mends it.

pub mod api;
