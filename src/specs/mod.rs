//! What should be, as one JSON document: layouts, plan, apply, export, and a picture of it.

pub mod api;
