//! What is read to judge by: our tables and the catalogs, in statements whose number does not grow with
//! what they find.

mod objects;
mod people;
mod server;

pub(super) use objects::{
    creators, crowded, grantees, lacking, owners, reading_gaps, Creator, Crowded, Gap, Grantee,
    Lacking, Owner,
};
pub(super) use people::{
    busy, closed_since, last_logins, memberships, roles, stuck, Membership, Role, Stuck,
};
pub(super) use server::{
    event_triggers, hba_file, hba_rules, public_rights, settings, strange_sessions,
    strangers_at_home, EventTrigger, HbaRule, Right, Setting, StrangeSession, Stranger,
};

pub(super) use people::{has_more_than_connect, not_owners, stale_scopes};
