//! Every door of the house on one page: each SQL function, what kind of call it is, and where it
//! leads. The checks that all calls share are made here, in one order.

use crate::access::{self, SUPERUSER_ONLY};
use crate::catalog::home;
use crate::error::{Error, Kind as Failure, Result};
use crate::events::{self, Outcome};
use crate::pg::call::{self, Answer, Call};
use crate::pg::{authority, database, xact};
use crate::{adoption, attachments, catalog, checks, collaborators, extensions, jobs, lifecycle};
use crate::{metrics, permissions, poolers, repair, reports, rotation, setup, specs, vault};

/// What a call may do, which decides where it is refused and whether refusals are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It changes something.
    Changes,
    /// It tells a secret, and changes nothing but the audit trail.
    Tells,
    /// It reads.
    Reads,
    /// It claims a foreign cluster, so it is let in where everything else is refused.
    Claims,
}

/// One door.
pub struct Door {
    /// The SQL function's name.
    pub name: &'static str,
    /// What it may do.
    pub nature: Nature,
    act: fn(&Call) -> Result<Answer>,
}

macro_rules! doors {
    ($($name:ident: $nature:ident => $act:path;)*) => {
        /// Every door.
        pub const DOORS: &[Door] = &[
            $(Door { name: stringify!($name), nature: Nature::$nature, act: $act },)*
        ];
        crate::export_functions! { enter; $($name)* }
    };
}

doors! {
    setup: Changes => setup::api::setup;
    setup_plan: Reads => setup::api::setup_plan;
    create: Changes => lifecycle::api::create;
    configure: Changes => lifecycle::api::configure;
    suspend: Changes => lifecycle::api::suspend;
    resume: Changes => lifecycle::api::resume;
    adopt: Changes => adoption::api::adopt;
    release: Changes => adoption::api::release;
    claim: Claims => adoption::api::claim;
    destroy: Changes => lifecycle::api::destroy;
    destroy_plan: Reads => lifecycle::api::destroy_plan;
    rotate: Changes => rotation::api::rotate;
    rotate_all: Changes => rotation::api::rotate_all;
    set_password: Changes => rotation::api::set_password;
    extend: Changes => lifecycle::api::extend;
    repair_default: Changes => repair::api::repair_default;
    repair_plan: Reads => repair::api::repair_plan;
    cancel_job: Changes => jobs::api::cancel_job;
    wait: Reads => jobs::api::wait;
    reseal: Changes => vault::api::reseal;
    list: Reads => catalog::api::list;
    usernames: Reads => catalog::api::usernames;
    url: Tells => vault::api::url;
    connection_info: Tells => vault::api::connection_info;
    jobs: Reads => jobs::api::jobs;
    events: Reads => events::api::events;
    grant: Changes => permissions::api::grant;
    revoke: Changes => permissions::api::revoke;
    table_privileges: Reads => reports::api::table_privileges;
    schema_privileges: Reads => reports::api::schema_privileges;
    why: Reads => reports::api::why;
    layout: Reads => specs::api::layout;
    plan: Reads => specs::api::plan;
    apply: Changes => specs::api::apply;
    export: Reads => specs::api::export;
    check: Reads => checks::api::check;
    diagram: Reads => specs::api::diagram;
    install_extension: Changes => extensions::api::install_extension;
    attach: Changes => attachments::api::attach;
    detach: Changes => attachments::api::detach;
    attachments: Reads => attachments::api::attachments;
    config_vars: Tells => attachments::api::config_vars;
    set_endpoint: Changes => attachments::api::set_endpoint;
    drop_endpoint: Changes => attachments::api::drop_endpoint;
    endpoints: Reads => attachments::api::endpoints;
    add_collaborator: Changes => collaborators::api::add_collaborator;
    update_collaborator: Changes => collaborators::api::update_collaborator;
    remove_collaborator: Changes => collaborators::api::remove_collaborator;
    collaborators: Reads => collaborators::api::collaborators;
    pgbouncer_auth: Reads => poolers::api::pgbouncer_auth;
    metrics: Reads => metrics::api::metrics;
}

/// Lets a call in, runs it, and records how it ended.
fn enter(call: &Call) -> Result<Answer> {
    let Some(door) = DOORS.iter().find(|door| door.name == call.function()) else {
        return Err(Failure::Internal.error("a call without a door"));
    };
    events::begin_call(door.nature == Nature::Tells);
    if door.nature == Nature::Reads {
        return admit(door, call).and_then(|()| (door.act)(call));
    }
    let _news = OwnNews;
    let line = events::Line::of(&call.caller, call.function(), call.target());
    let act = || admit(door, call).and_then(|()| (door.act)(call));
    let outcome = call::watching(
        || xact::or_timeout(act, || busy(door)),
        |sqlstate| line.write(Outcome::Refused(sqlstate)),
    );
    match &outcome {
        Ok(_) if events::recorded() => {
            if door.nature == Nature::Tells {
                xact::mark_changed();
            } else {
                // What a caller was told is done stays done, whatever `synchronous_commit` the owner has set.
                xact::force_sync_commit();
                xact::mark_news();
            }
            line.write(Outcome::Done);
        }
        Ok(_) => {}
        Err(error) => line.write(Outcome::Refused(error.kind().sqlstate())),
    }
    outcome
}

/// The error where a lock was not to be had in time. The server would tell of a setting that the caller never made.
fn busy(door: &Door) -> Error {
    Failure::Timeout
        .error(format!("somebody else holds what {} needs", door.name))
        .detail("A transaction that changed it is open, and was waited for as long as a call waits.")
        .hint("Call again; SELECT pid, usename, query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'; shows who may have left it open.")
}

/// While a call runs; it goes also where an error of the server unwinds.
struct OwnNews;

impl Drop for OwnNews {
    fn drop(&mut self) {
        events::end_call();
    }
}

/// The checks that every call passes first.
fn admit(door: &Door, call: &Call) -> Result<()> {
    if authority::in_restricted_operation() || authority::in_trigger() {
        return Err(Failure::Denied
            .error(format!(
                "{} cannot be called from a trigger or a restricted operation",
                door.name
            ))
            .detail("There the statement's author and the code's author may be two people.")
            .hint("Call it as a statement of its own."));
    }
    if door.nature != Nature::Reads && door.nature != Nature::Tells {
        refuse_read_only()?;
    }
    home::require_home()?;
    if SUPERUSER_ONLY.contains(&door.name) {
        access::require_superuser(&call.caller, door.name)?;
    }
    if door.nature != Nature::Claims {
        home::require_claimed()?;
    }
    if !matches!(
        door.name,
        "setup" | "setup_plan" | "claim" | "events" | "jobs"
    ) {
        catalog::default_credential()?;
    }
    collaborators::admit(call)
}

fn refuse_read_only() -> Result<()> {
    if database::in_recovery() {
        return Err(Failure::ReadOnly
            .error("This operation is not supported for follower databases.")
            .hint("Call it on the primary."));
    }
    if database::transaction_is_read_only() {
        return Err(Failure::ReadOnly
            .error("cannot change credentials in a read-only transaction")
            .hint("BEGIN READ WRITE;"));
    }
    Ok(())
}
