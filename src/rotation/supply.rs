//! What the rotations of one call share: passwords that were made together, and pg_hba.conf, read once.

use super::hba::Rules;
use super::{many, Fresh};
use crate::error::Result;

/// A supply for one call.
pub struct Supply {
    fresh: Vec<Fresh>,
    rules: Option<Rules>,
}

impl Supply {
    /// Passwords for so many credentials. To be made before a lock is had: it takes milliseconds.
    pub fn of(count: usize) -> Result<Supply> {
        Ok(Supply {
            fresh: many::generate(count)?,
            rules: None,
        })
    }

    /// The next password.
    pub fn fresh(&mut self) -> Result<Fresh> {
        self.fresh.pop().map_or_else(Fresh::generate, Ok)
    }

    /// The rules of pg_hba.conf.
    pub fn rules(&mut self) -> Result<&Rules> {
        let rules = match self.rules.take() {
            Some(rules) => rules,
            None => Rules::read()?,
        };
        Ok(self.rules.insert(rules))
    }
}
