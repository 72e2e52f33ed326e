//! What a batch tells whoever runs the pass.

use super::Item;

/// What one batch did.
#[derive(Debug, Default)]
pub struct BatchOutcome {
    /// Objects that have the new owner now.
    pub moved: u64,
    /// Objects that were moved with a loss, or that stay, each with its reason: for the event.
    pub notes: Vec<Item>,
    /// Objects in use, to be tried again.
    pub busy: u64,
    /// The first few of them, as the server writes them.
    pub busy_first: Vec<String>,
    /// How long to sleep before the next batch, in milliseconds; no transaction is to be open then.
    pub pause_ms: u64,
    /// Whether nothing is left of this pass.
    pub finished: bool,
}
