//! Presets of rights on schemas. A managed group holds the rights of one preset on one schema; a
//! credential gets the preset by becoming the group's member, so the second one costs a membership.

pub mod api;
pub mod give;
pub mod group;
pub mod preset;

pub use group::Group;
pub use preset::{Access, GroupKind, ObjectKind};
