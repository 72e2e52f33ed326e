//! Poolers: what PgBouncer asks for when a client logs in.

pub mod api;
