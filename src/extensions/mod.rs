//! Extensions that the default credential may install.

pub mod api;
