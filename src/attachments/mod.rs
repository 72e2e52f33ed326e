//! Attachments: which app has which credential under which config variable, and where its URL leads.

pub mod api;
mod store;

pub use store::{all, forget, of_app, of_role};

use crate::pg::value::Time;
use crate::pg::Oid;

/// One config variable of an app.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The app.
    pub app: String,
    /// The variable, such as `DATABASE_URL`.
    pub config_var: String,
    /// The role of the credential whose URL it holds.
    pub role: Oid,
    /// The endpoint that the URL leads to.
    pub endpoint: String,
    /// When it was attached.
    pub attached_at: Time,
}
