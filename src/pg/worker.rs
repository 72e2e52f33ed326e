//! Background workers: registering, starting, waiting, and the safety of their connection.

pub use pgrx::bgworkers::BackgroundWorker;
