//! Metrics: figures for monitoring.

pub mod api;
