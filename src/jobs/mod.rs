//! Work that outlives the transaction that ordered it. A function writes down what is to be done;
//! after its commit the worker does it, one step a transaction, and goes on after a crash where the
//! row says.

pub mod api;
mod stage;
mod store;
mod superseded;

pub use stage::{Kind, Stage, State};
pub use store::{
    all_due, close, concerned, due_again, find, forget_old, latest, live_for, next_due,
    notice_clock, set_cutover, set_progress, set_stage, take_over, Ended,
};
pub use superseded::{
    awaiting_suspension, call_off_retirements, call_off_suspensions, draining, keep_sweeping,
    supersede_rotations, sweep_now,
};

use crate::catalog;
use crate::error::Result;
use crate::pg::value::Time;
use crate::pg::{authority, xact, Oid};

/// One row of `credentials.job`.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What is to be done.
    pub kind: Kind,
    /// The credential's role.
    pub role: Oid,
    /// The credential's name.
    pub name: String,
    /// Where it stands, for people.
    pub state: State,
    /// The step that comes next.
    pub stage: Stage,
    /// Who gets what is moved.
    pub reassign_to: Option<Oid>,
    /// The stored password that comes into force with it.
    pub secret: Option<i64>,
    /// The verifier that the role gets with it, and must still have when it is over.
    pub verifier: Option<String>,
    /// When it was ordered.
    pub created_at: Time,
    /// Sessions that began up to here are ended.
    pub cutover: Option<Time>,
    /// What repair was asked for.
    pub options: Options,
    /// How many objects were moved.
    pub done: i64,
    /// What it waits for.
    pub message: Option<String>,
}

/// What `repair_default` was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Other roles' objects too.
    pub include_unmanaged: bool,
    /// The former owner keeps its rights.
    pub keep_access: bool,
}

/// An order for the worker.
pub struct Order<'a> {
    /// What is to be done.
    pub kind: Kind,
    /// To which role.
    pub role: Oid,
    /// Of which credential.
    pub name: &'a str,
    /// Where to begin.
    pub stage: Stage,
    /// Who gets what is moved.
    pub reassign_to: Option<Oid>,
    /// The stored password that comes into force with it.
    pub secret: Option<i64>,
    /// The verifier that the role gets with it.
    pub verifier: Option<&'a str>,
    /// What repair was asked for.
    pub options: Options,
}

impl<'a> Order<'a> {
    /// An order with nothing but what, to whom and where to begin.
    pub fn new(kind: Kind, role: Oid, name: &'a str, stage: Stage) -> Order<'a> {
        Order {
            kind,
            role,
            name,
            stage,
            reassign_to: None,
            secret: None,
            verifier: None,
            options: Options::default(),
        }
    }

    /// Writes the order down in the current transaction; the worker is told when it commits.
    pub fn place(self, by: Oid) -> Result<i64> {
        xact::mark_work();
        if self.stage == Stage::EndSessions {
            catalog::cut(self.role)?;
        }
        store::insert(&self, &authority::record_name(by))
    }
}
