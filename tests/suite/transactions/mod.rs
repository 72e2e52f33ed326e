//! What a transaction does and leaves: nothing when it is rolled back, one winner when many try, and no deadlock.

mod at_once;
mod limit;
mod rolled_back;
mod waiting;
