//! What should be, as one JSON document: layouts, plan, apply, export, and a picture of it.

pub mod api;
mod apply;
pub mod diagram;
pub mod export;
mod foresee;
mod gather;
pub mod layout;
mod path;
pub mod plan;
pub mod present;
mod reading;
pub mod spec;
mod statement;
pub mod step;
mod store;
mod writing;
