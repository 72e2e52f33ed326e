//! Row security that keeps credentials to their own rows.
