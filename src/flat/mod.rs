//! From one flat role, which owned and did everything, to the credentials of a spec: stage by stage, each of
//! them reversible, while the flat role goes on working. What the spec says by itself is done by the rooms that do
//! such things; here is what comes on top ([`step`]), how far it is ([`store`]) and the way back.

pub mod back;
mod held;
mod holding;
mod observe;
mod retire;
mod role;
pub mod stage;
pub mod step;
mod store;
mod taken;
mod words;

pub use holding::Holding;
pub use observe::{seen, watch, Lacks, Seen};
pub use role::{find, Flat};
pub use stage::{Part, Stage};
pub use step::Step;
pub use store::Record;
pub use taken::Taken;

use crate::error::{shown, Kind, Result};
use crate::permissions::{self, defaults, group, member, GroupKind};
use crate::pg::authority::Caller;
use crate::pg::owner::{self, Class};
use crate::pg::{ident, log, time, Oid};

/// Reads which groups of schemas the flat role's default privileges name.
fn defaults_of(flat: &mut Flat) -> Result<()> {
    for group in group::all()?.iter().filter(|g| carries(g)) {
        match defaults::extent(flat.role, group)? {
            defaults::Extent::None => {}
            defaults::Extent::Part => {
                flat.partly.insert(group.role_name.clone());
            }
            defaults::Extent::Whole => {
                flat.defaults.insert(group.role_name.clone());
            }
        }
    }
    Ok(())
}

/// Whether default privileges name a group: those of a schema that read or write.
fn carries(group: &permissions::Group) -> bool {
    group.scope != group::EVERY_SCHEMA && group.kind != GroupKind::Owner && group.is_bound()
}

/// Does one step; what is taken is added to `taken`. The record of the flat role is written once at the end, by
/// [`note`].
pub fn apply(caller: &Caller, flat: &Flat, step: &Step, taken: &mut Taken) -> Result<()> {
    match step {
        Step::Stage { stage, .. } => tell(flat, *stage)?,
        Step::HandOver { group, .. } => retire::hand_over(caller, group)?,
        Step::Take { holding, .. } => retire::take(caller, flat, holding, taken)?,
        Step::Give { holding, .. } => retire::give(flat, holding)?,
        Step::Keep { group, .. } => member::join(&called(group)?, flat.role, &flat.role_name)?,
        Step::Defaults { schema, give, .. } => in_schema(flat, schema, *give)?,
        Step::Return {
            schema,
            owner,
            group,
            ..
        } => back::schema(caller, flat, schema, owner, &called(group)?)?,
    }
    Ok(())
}

/// Default privileges of the flat role in a schema, for each group there.
fn in_schema(flat: &Flat, schema: &str, give: bool) -> Result<()> {
    let schema = schema_named(schema)?;
    for group in group::on_schema(schema)?.iter().filter(|g| carries(g)) {
        match give {
            true => defaults::write(flat.role, &flat.role_name, group)?,
            false => defaults::forget(flat.role, &flat.role_name, group)?,
        }
    }
    Ok(())
}

fn schema_named(name: &str) -> Result<Oid> {
    crate::pg::schema::oid(name).ok_or_else(|| {
        Kind::NoSchema
            .error(format!("schema \"{}\" does not exist", shown(name)))
            .hint("Call again.")
    })
}

/// A managed group by its role's name.
fn called(name: &str) -> Result<permissions::Group> {
    let found = match ident::role_oid(name) {
        Some(role) => group::by_role(role)?,
        None => None,
    };
    found.ok_or_else(|| {
        Kind::NotFound
            .error(format!("group \"{}\" is not there", shown(name)))
            .hint("Call again.")
    })
}

/// Who owns a schema, by name.
pub fn owner_of(schema: &str) -> Option<Oid> {
    owner::of(Class::Schema, crate::pg::schema::oid(schema)?)
}

/// What there is to write down of a flat role when a stage was applied.
#[derive(Default)]
pub struct Note {
    /// The roles of credentials that were made.
    pub made: Vec<Oid>,
    /// Groups that took over a schema, and who owned it.
    pub taken_over: Vec<(String, Oid)>,
    /// The schemas that the spec is about.
    pub schemas: Vec<String>,
    /// What was taken of the flat role.
    pub taken: Taken,
}

/// Writes down how far the flat role is, and what it takes to go back.
pub fn note(flat: &Flat, stage: Stage, note: Note) -> Result<()> {
    let mut record = flat.record.clone().unwrap_or(Record {
        stage,
        made: Vec::new(),
        owners: Default::default(),
        groups: Vec::new(),
        since: None,
        taken: Taken::default(),
    });
    record.since = match stage >= Stage::Observe {
        true => record.since.or(Some(time::now())),
        false => None,
    };
    record.stage = stage;
    record.groups = groups_on(&note.schemas)?;
    match stage.has(Part::Closed) {
        true => record.taken.add(note.taken),
        false => record.taken = Taken::default(),
    }
    record.made.retain(|role| ident::role_name(*role).is_some());
    record.made.extend(note.made);
    record
        .owners
        .retain(|group, _| ident::role_name(Oid::from(*group)).is_some());
    for (group, former) in note.taken_over {
        record.owners.insert(called(&group)?.role.to_u32(), former);
    }
    store::put(flat.role, &flat.role_name, &record)
}

/// The groups of schemas.
fn groups_on(schemas: &[String]) -> Result<Vec<Oid>> {
    let mut roles = Vec::new();
    for schema in schemas
        .iter()
        .filter_map(|name| crate::pg::schema::oid(name))
    {
        let own = group::on_schema(schema)?;
        let own = own.iter().filter(|g| g.scope == schema && g.is_bound());
        roles.extend(own.map(|g| g.role));
    }
    Ok(roles)
}

/// What a person needs next.
fn tell(flat: &Flat, stage: Stage) -> Result<()> {
    match stage {
        Stage::Login => log::notice(
            "the new credentials can log in: give the app its new URL, see SELECT name FROM credentials.list()",
        ),
        Stage::Observe => log::notice(
            "what the old role still does and the new ones could not is told by SELECT * FROM credentials.check()",
        ),
        Stage::Retire if flat.is_default => log::notice(
            "default owns the database: it keeps its login and its rights, and is no longer observed",
        ),
        Stage::Retire => tell_seen(flat)?,
        _ => {}
    }
    if let Some(next) = stage.next() {
        log::notice(&format!(
            "the next stage is {}: apply the spec with it when the app has been seen to work",
            next.as_str()
        ));
    }
    Ok(())
}

/// How much of what was seen fails from here on.
fn tell_seen(flat: &Flat) -> Result<()> {
    let Some(record) = &flat.record else {
        return Ok(());
    };
    let count = observe::of_role(flat.role, &flat.role_name, record)?.len();
    if count > 0 {
        log::notice(&format!(
            "{count} kinds of statements that the old role was seen to run would fail: \
             at the stage observe SELECT * FROM credentials.check() tells them"
        ));
    }
    Ok(())
}
