//! Collaborators: people around an app, and just the rights they need.

pub mod api;
