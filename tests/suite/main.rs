//! The black-box tests, in one binary: one thing to link, one template cluster. A module is a promise; run one with
//! `make one T=<module>`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says why"
)]
#![allow(
    dead_code,
    reason = "the harness offers more than the suites of the day use"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod agents;
mod apps;
mod attacks;
mod bad_input;
mod checks;
mod clients;
mod collaborators;
mod contract;
mod created;
mod destroy;
mod estate;
mod extensions;
mod flat;
mod followers;
mod guard;
mod harness_itself;
mod held;
mod killed;
mod life;
mod matrix;
mod metrics;
mod migrations;
mod notices;
mod permissions;
mod poolers;
mod readme;
mod repair;
mod reports;
mod rotation_hba;
mod rules;
mod scene;
mod secrets;
mod setting_up;
mod snapshot;
mod soft;
mod specs;
mod standby;
mod tenants;
mod transactions;
mod watch;
