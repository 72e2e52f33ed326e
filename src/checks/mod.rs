//! Findings: what a careful DBA would look at, each with the statement that mends it.
//!
//! What is read stands in `store`; what is made of it is decided by functions of what was read, one file a
//! family. Nothing is written, and no user's table is touched.

pub mod api;
mod collaborators;
mod credentials;
mod finding;
mod flat;
mod groups;
mod hba;
mod members;
mod people;
mod public;
mod roles;
mod server;
mod store;
mod tenants;

use crate::attachments;
use crate::catalog::{self, twin, Credential, State};
use crate::collaborators as people_of_apps;
use crate::core::cipher::Keyring;
use crate::core::scram::Verifier;
use crate::core::secret::Secret;
use crate::error::Result;
use crate::permissions::group;
use crate::pg::{database, ident, role, time, xact, Oid};
use crate::repair::rights::{self, Domain};
use crate::settings;
use crate::tenants::present as shared_tables;
use crate::vault::{self, Sealing};
use finding::{Code, Finding, MOST};
use people::People;
use server::Keys;

/// All that there is to find, the worst first.
fn all(lines_shown: bool) -> Result<Vec<Finding>> {
    let people = People::new(
        store::roles()?,
        store::memberships()?,
        catalog::all()?,
        twin::all()?,
        group::all()?,
    );
    let home = ident::database_name(database::current()).unwrap_or_default();
    let busy = store::busy()?;
    let server = store::settings()?;
    let mut found = of_roles(&people, &busy, &home)?;
    found.extend(of_credentials(&people, &busy, &server, &home)?);
    let unread = of_groups(&people, &mut found)?;
    found.extend(flat::statements(crate::flat::seen()?));
    found.extend(server::settings(&server));
    let (path, text) = store::hba_file()?;
    let file = hba::File {
        path,
        text,
        shown: lines_shown,
    };
    found.extend(hba::findings(&store::hba_rules()?, &file));
    Ok(finding::in_order(found, (Code::GroupRights, unread)))
}

fn of_roles(people: &People, busy: &[Oid], home: &str) -> Result<Vec<Finding>> {
    let owners = store::owners()?;
    let mut found = roles::superusers(people);
    found.extend(roles::createrole(people));
    found.extend(roles::sessions(&store::strange_sessions()?));
    found.extend(roles::event_triggers(&store::event_triggers()?));
    found.extend(roles::elevated(people));
    found.extend(roles::unbound(people));
    found.extend(roles::doors(people, busy, home));
    found.extend(roles::strays(people));
    // An error here can only be that of a server that cannot read its catalogs; then the finding stands.
    let only_watches =
        |c: &Credential| store::has_more_than_connect(c.role).is_ok_and(|more| !more);
    found.extend(members::predefined(people, only_watches));
    found.extend(members::shared(people));
    found.extend(members::table_owners(people, &owners));
    found.extend(tenants::open(&shared_tables(&[])?));
    let collaborations = people_of_apps::all()?;
    found.extend(collaborators::own_readers(
        people,
        &collaborations,
        &attachments::all()?,
    ));
    found.extend(collaborators::renamed(people, &collaborations));
    found.extend(members::monitors(
        people,
        &store::creators()?,
        &owners,
        home,
    ));
    found.extend(public::rights_of_public(
        people,
        &store::public_rights()?,
        home,
    ));
    found.extend(public::strangers(&store::strangers_at_home()?));
    found.extend(credentials::stuck(&store::stuck()?));
    if let Some(default) = people
        .default()
        .filter(|c| people.is_bound(c) && !busy.contains(&c.role))
    {
        let domain = Domain::here(default.role, &default.role_name);
        found.extend(public::of_default(
            people,
            &rights::missing(&domain)?,
            &domain,
        ));
    }
    Ok(found)
}

fn of_credentials(
    people: &People,
    busy: &[Oid],
    server: &[store::Setting],
    home: &str,
) -> Result<Vec<Finding>> {
    let clock = credentials::Clock {
        now: time::now(),
        age: settings::rotation_age(),
    };
    let logins = store::last_logins();
    let connections = server.iter().find(|s| s.name == "max_connections");
    let connections = connections
        .and_then(|s| s.value.parse().ok())
        .unwrap_or(100);
    let mut found = credentials::old(people, &clock);
    found.extend(credentials::unused(people, &logins, &clock));
    let kept = settings::event_retention();
    found.extend(credentials::suspended(
        people,
        &store::closed_since()?,
        kept,
        &clock,
        home,
    ));
    found.extend(credentials::unlimited(people, &logins, connections));
    found.extend(credentials::md5(people));
    let (keys, drifted) = keys(people, busy)?;
    found.extend(server::keys(people, &keys, database::system_user()));
    found.extend(credentials::drifted(people, &drifted));
    Ok(found)
}

/// Also tells how many objects that a group lacks rights on were not read.
fn of_groups(people: &People, found: &mut Vec<Finding>) -> Result<usize> {
    let stale = store::stale_scopes()?.into_iter();
    let stale: Result<Vec<(Oid, bool)>> = stale
        .map(|role| Ok((role, group::is_idle(role)?)))
        .collect();
    found.extend(groups::roles(people, &stale?));
    found.extend(groups::not_owners(people, &store::not_owners()?));
    let most = i32::try_from(MOST).unwrap_or(i32::MAX);
    let (lacking, count) = store::lacking(most)?;
    found.extend(groups::lacking(people, &lacking));
    found.extend(groups::reading_gaps(&store::reading_gaps()?));
    for table in store::crowded(groups::CROWDED)? {
        found.push(groups::crowded(
            people,
            &table,
            &store::grantees(table.oid)?,
        ));
    }
    Ok(usize::try_from(count)
        .unwrap_or(usize::MAX)
        .saturating_sub(lacking.len()))
}

/// What the key file opens, and the credentials whose role has another password than the one that is stored.
fn keys(people: &People, busy: &[Oid]) -> Result<(Keys, Vec<Oid>)> {
    let mut keys = Keys {
        path: settings::key_file(),
        trouble: None,
        stored: people
            .credentials
            .iter()
            .filter(|c| c.secret.is_some())
            .count(),
        unreadable: Vec::new(),
        older: Vec::new(),
    };
    let mut drifted = Vec::new();
    let ring = match vault::keyring() {
        Ok(Some(ring)) => ring,
        Ok(None) => return Ok((keys, drifted)),
        Err(trouble) => {
            keys.trouble = Some(trouble);
            return Ok((keys, drifted));
        }
    };
    for credential in &people.credentials {
        xact::check_for_interrupts();
        match settled(credential, &ring)? {
            Sealing::Nothing => {}
            Sealing::Unreadable => keys.unreadable.push(credential.role),
            Sealing::WithOlder(secret) => {
                keys.older.push(credential.role);
                drifted.extend(
                    is_drifted(people, busy, credential, &secret)?.then_some(credential.role),
                );
            }
            Sealing::WithFirst(secret) => {
                drifted.extend(
                    is_drifted(people, busy, credential, &secret)?.then_some(credential.role),
                );
            }
        }
    }
    Ok((keys, drifted))
}

/// How a stored password stands to the keys. One that was replaced since the credential was read is nothing to
/// look at: the next call will.
fn settled(credential: &Credential, ring: &Keyring) -> Result<Sealing> {
    let sealing = vault::sealing(credential, ring)?;
    match sealing {
        Sealing::Unreadable if is_changed(credential)? => Ok(Sealing::Nothing),
        other => Ok(other),
    }
}

/// Whether a credential is no longer what was read of it.
fn is_changed(credential: &Credential) -> Result<bool> {
    let now = catalog::by_role(credential.role)?;
    Ok(now.is_none_or(|now| now.secret != credential.secret || now.state != credential.state))
}

/// Whether a role has another password than the stored one. While a rotation or another job is at work that is
/// as it should be.
fn is_drifted(
    people: &People,
    busy: &[Oid],
    credential: &Credential,
    secret: &Secret,
) -> Result<bool> {
    let quiet = matches!(
        credential.state,
        State::Active | State::Lingering | State::Suspended
    );
    if !quiet
        || !people.is_bound(credential)
        || busy.contains(&credential.role) && credential.state != State::Lingering
    {
        return Ok(false);
    }
    let stored = role::stored_verifier(credential.role)?;
    // A verifier that we would not take from a caller is none of ours; it may also ask for too many rounds.
    let agrees =
        stored.is_some_and(|v| Verifier::parse(&v).is_ok_and(|v| v.matches(secret.expose())));
    Ok(!agrees && !is_changed(credential)?)
}
