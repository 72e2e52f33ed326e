//! The roles of the cluster and who is a member of whom, read once for all that is asked about them.

use super::store::{Membership, Role};
use crate::catalog::{Credential, Twin};
use crate::permissions::Group;
use crate::pg::Oid;
use std::collections::{HashMap, HashSet};

/// The first OID that initdb does not give away (transam.h, FirstNormalObjectId).
const FIRST_NORMAL_OID: u32 = 16_384;

/// Roles, memberships, and which of the roles are ours.
pub struct People {
    roles: HashMap<Oid, Role>,
    memberships: Vec<Membership>,
    above: HashMap<Oid, Vec<Oid>>,
    /// Of each role and twin of a credential, the credential's place.
    places: HashMap<Oid, usize>,
    /// The credentials, default first.
    pub credentials: Vec<Credential>,
    /// The rotating twins.
    pub twins: Vec<Twin>,
    /// The managed groups.
    pub groups: Vec<Group>,
}

impl People {
    /// Puts together what was read.
    pub fn new(
        roles: Vec<Role>,
        memberships: Vec<Membership>,
        credentials: Vec<Credential>,
        twins: Vec<Twin>,
        groups: Vec<Group>,
    ) -> People {
        let mut above: HashMap<Oid, Vec<Oid>> = HashMap::new();
        for edge in &memberships {
            above.entry(edge.member).or_default().push(edge.group);
        }
        let mut places: HashMap<Oid, usize> = HashMap::new();
        for (at, credential) in credentials.iter().enumerate() {
            places.insert(credential.role, at);
        }
        for twin in &twins {
            if let Some(&at) = places.get(&twin.base) {
                places.insert(twin.role, at);
            }
        }
        People {
            places,
            roles: roles.into_iter().map(|role| (role.oid, role)).collect(),
            memberships,
            above,
            credentials,
            twins,
            groups,
        }
    }

    /// The role of an OID.
    pub fn role(&self, oid: Oid) -> Option<&Role> {
        self.roles.get(&oid)
    }

    /// The role of a name.
    pub fn named(&self, name: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.name == name)
    }

    /// All roles, the oldest first.
    pub fn all(&self) -> Vec<&Role> {
        let mut all: Vec<&Role> = self.roles.values().collect();
        all.sort_by_key(|role| role.oid.to_u32());
        all
    }

    /// Every membership.
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// The roles that a role was granted, directly.
    pub fn granted(&self, member: Oid) -> &[Oid] {
        self.above.get(&member).map_or(&[], Vec::as_slice)
    }

    /// The default credential.
    pub fn default(&self) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.is_default())
    }

    /// The name of the default credential's role.
    pub fn default_name(&self) -> &str {
        self.default().map_or("", |c| c.role_name.as_str())
    }

    /// The credential that a role is, itself or as its twin.
    pub fn credential_of(&self, role: Oid) -> Option<&Credential> {
        self.places.get(&role).map(|&at| &self.credentials[at])
    }

    /// Whether a role is a credential, a twin or a managed group.
    pub fn is_managed(&self, role: Oid) -> bool {
        self.credential_of(role).is_some() || self.groups.iter().any(|g| g.role == role)
    }

    /// Whether OID and name of a credential's role agree.
    pub fn is_bound(&self, credential: &Credential) -> bool {
        self.role(credential.role)
            .is_some_and(|role| role.name == credential.role_name)
    }

    /// Whether a role is one of the server's own.
    pub fn is_predefined(role: Oid) -> bool {
        role.to_u32() < FIRST_NORMAL_OID
    }

    /// The memberships through which a role of a credential, or a twin, has what it has: its own and
    /// those of its groups, up to the server's own roles. Other credentials are not gone through: default
    /// has each of them by its office, and what they have is told of them.
    pub fn reached(&self, start: Oid) -> Vec<(Oid, Oid)> {
        let own = self.credential_of(start).map(|c| c.role);
        let (mut seen, mut todo, mut edges) = (HashSet::from([start]), vec![start], Vec::new());
        while let Some(member) = todo.pop() {
            for &group in self.granted(member) {
                if self
                    .credential_of(group)
                    .is_some_and(|c| Some(c.role) != own)
                {
                    continue;
                }
                edges.push((member, group));
                if !People::is_predefined(group) && seen.insert(group) {
                    todo.push(group);
                }
            }
        }
        edges
    }

    /// Whether a role is a superuser, or a member of one by way of [`reached`](People::reached).
    pub fn leads_to_superuser(&self, role: Oid) -> bool {
        let is_super = |oid: Oid| self.role(oid).is_some_and(|r| r.superuser);
        is_super(role) || self.reached(role).iter().any(|(_, group)| is_super(*group))
    }
}
