//! A plan is carried out: each step through the room that does such things, in the caller's transaction.

mod act;

use super::gather::{self, View};
use super::plan;
use super::present::Present;
use super::spec::Spec;
use super::step::{Line, Step};
use crate::catalog;
use crate::collaborators;
use crate::core::secret::Secret;
use crate::error::{shown, Result};
use crate::events::{self, About, Actor};
use crate::flat::{self, Flat, Note, Stage, Taken};
use crate::pg::call::Call;
use crate::pg::{lock, xact, Oid};
use crate::rotation::supply::Supply;
use crate::tenants;
use crate::vault;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A step that was done.
pub(super) struct Applied {
    /// What is shown of it.
    pub(super) lines: Vec<Line>,
    /// The password of a credential that was made, where no key file keeps it.
    pub(super) password: Option<Secret>,
}

/// Brings about what a spec says. Where all of it is so, nothing is locked and nothing written.
pub(super) fn run(call: &Call, spec: &Spec) -> Result<Vec<Applied>> {
    let now = gather::present(&call.caller, View::of(spec))?;
    let first = plan::plan(spec, &now)?;
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let makes = |step: &&Step| matches!(step, Step::Create { .. });
    let new = first.iter().filter(makes).count();
    if new > 0 {
        vault::require_usable()?;
    }
    // Drawn before a lock is held: a password takes milliseconds.
    let mut passwords = Supply::of(new)?;
    collaborators::hold_counter(true)?;
    for role in plan::touched(&first, &now) {
        lock::credential(role)?;
    }
    // Somebody else may have done some of it before the locks were had.
    let now = gather::present(&call.caller, View::of(spec))?;
    let steps = plan::plan(spec, &now)?;
    let mut done = Vec::with_capacity(steps.len());
    let mut way = Way::default();
    for step in &steps {
        if let Some(flat) = &now.flat {
            way.before(step);
            if let Step::Flat(step) = step {
                flat::apply(&call.caller, flat, step, &mut way.taken)?;
                done.push(Applied {
                    password: None,
                    lines: step.lines(),
                });
                continue;
            }
        }
        done.push(Applied {
            password: act::run(call, step, &mut passwords)?,
            lines: step.lines(&now),
        });
    }
    let gives = |step: &&Step| {
        use Step::{Deputise, GiveTable, Grant, Join};
        matches!(
            step,
            Grant { .. } | GiveTable { .. } | Join { .. } | Deputise { .. }
        )
    };
    let given: BTreeSet<&str> = steps
        .iter()
        .filter(gives)
        .filter_map(Step::credential)
        .collect();
    for name in given {
        tenants::refuse_ways_round(catalog::target(name)?.role)?;
    }
    if let (Some(flat), Some(from), false) = (&now.flat, &spec.from, steps.is_empty()) {
        let schemas = plan::schemas_of(spec, &now)?;
        way.note(flat, from.stage, schemas)?;
        // The worker tells all processes who is observed.
        xact::mark_work();
    }
    if !steps.is_empty() {
        xact::mark_changed();
        xact::force_sync_commit();
        record(call, &steps, &now)?;
    }
    Ok(done)
}

/// What is done on the way from a flat role that it takes to go back.
#[derive(Default)]
struct Way {
    /// Names of credentials that are made.
    made: Vec<String>,
    /// Groups that take over a schema, and who owned it.
    taken_over: Vec<(String, Oid)>,
    /// What is taken of the flat role.
    taken: Taken,
}

impl Way {
    fn before(&mut self, step: &Step) {
        match step {
            Step::Create { name, .. } => self.made.push(name.clone()),
            Step::OwnSchema { schema, owner, .. } => {
                let former = flat::owner_of(schema).map(|former| (owner.role(), former));
                self.taken_over.extend(former);
            }
            _ => {}
        }
    }

    fn note(self, flat: &Flat, stage: Stage, schemas: Vec<String>) -> Result<()> {
        let role = |name: &String| Ok(catalog::target(name)?.role);
        let note = Note {
            made: self.made.iter().map(role).collect::<Result<Vec<Oid>>>()?,
            taken_over: self.taken_over,
            schemas,
            taken: self.taken,
        };
        flat::note(flat, stage, note)
    }
}

/// One event for each credential that something was done to, one for each app it was attached to, and one for what
/// is no credential's.
fn record(call: &Call, steps: &[Step], now: &Present) -> Result<()> {
    let mut told: BTreeMap<(Option<&str>, Option<&str>), Vec<String>> = BTreeMap::new();
    for step in steps {
        let acts = told.entry((step.credential(), step.app())).or_default();
        let lines = step.lines(now);
        acts.extend(
            lines
                .iter()
                .map(|line| format!("{} {}", line.action, shown(&line.object))),
        );
    }
    for ((name, app), acts) in told {
        let credential = name.map(catalog::target).transpose()?;
        let about = About {
            name,
            role: credential.map(|c| c.role),
            app,
        };
        let detail = json!({ "steps": acts });
        events::record_about(Actor::Caller(&call.caller), call.function(), about, detail)?;
    }
    Ok(())
}
