//! Who may do what with which table and schema, and why: catalogs read once, nothing changed.

pub mod api;
