//! What a finding is, and the list of all that can be found.

use crate::core::quote::ident;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody may be inside, or somebody who should be is not.
    High,
    /// A wall is thinner than it should be.
    Medium,
    /// Untidy.
    Low,
}

impl Severity {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }
}

macro_rules! codes {
    ($($code:ident $word:literal $severity:ident;)*) => {
        /// What can be found. The words are an interface: monitoring asks for them by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $word, "`, told in docs/checks.md.")] $code,)*
        }

        impl Code {
            /// Every code, in the order of docs/checks.md.
            #[cfg(test)]
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => $word,)* }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    SuperuserLogin "superuser_login" High;
    SuperuserSession "superuser_session" High;
    CreateroleLogin "createrole_login" High;
    EventTrigger "event_trigger" High;
    PublicDatabase "public_database" Medium;
    PublicSchema "public_schema" Medium;
    PublicCreate "public_create" High;
    CredentialsGranted "credentials_granted" High;
    DefaultIncomplete "default_incomplete" Medium;
    RoleRenamed "role_renamed" High;
    RoleGone "role_gone" High;
    RoleElevated "role_elevated" High;
    RoleOpen "role_open" High;
    RoleClosed "role_closed" Medium;
    RoleNoinherit "role_noinherit" Medium;
    TwinStray "twin_stray" High;
    AllData "all_data" High;
    PredefinedRole "predefined_role" Medium;
    CredentialShared "credential_shared" Medium;
    OwnsTables "owns_tables" Medium;
    TenantsOpen "tenants_open" High;
    CollaboratorReadsOwnPassword "collaborator_reads_own_password" Medium;
    CollaboratorRenamed "collaborator_renamed" Low;
    MonitorDdl "monitor_ddl" Medium;
    PasswordMd5 "password_md5" High;
    PasswordDrift "password_drift" High;
    PasswordOld "password_old" Medium;
    CredentialUnused "credential_unused" Low;
    CredentialSuspended "credential_suspended" Low;
    CredentialUnlimited "credential_unlimited" Low;
    JobBlocked "job_blocked" Medium;
    GroupRenamed "group_renamed" High;
    GroupGone "group_gone" Medium;
    GroupElevated "group_elevated" High;
    GroupStale "group_stale" Low;
    GroupNotOwner "group_not_owner" Medium;
    GroupRights "group_rights" Medium;
    DefaultPrivileges "default_privileges" Low;
    AclSize "acl_size" Medium;
    FlatRoleStatement "flat_role_statement" Medium;
    HbaError "hba_error" High;
    HbaTrust "hba_trust" High;
    HbaPassword "hba_password" High;
    HbaMd5 "hba_md5" Medium;
    HbaAllAddresses "hba_all_addresses" Medium;
    HbaNoTls "hba_no_tls" High;
    DdlNotLogged "ddl_not_logged" Low;
    EncryptionMd5 "encryption_md5" Medium;
    FsyncOff "fsync_off" High;
    KeyFileUnset "key_file_unset" High;
    KeyFileUnusable "key_file_unusable" High;
    KeyFileOther "key_file_other" High;
    PasswordUnreadable "password_unreadable" High;
    PasswordOldKey "password_old_key" Low;
}

/// One thing that a careful DBA would look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// What it is about: a kind of object and its name, quoted as SQL has it.
    pub object: String,
    /// What is the matter: a sentence, without a secret.
    pub sentence: String,
    /// What makes it go, to be run as it is printed, mostly by a superuser. So it names functions and operators
    /// with their schema: a database's owner may have set a `search_path` with others of these names.
    pub remedy: String,
}

impl Finding {
    /// A finding about an object.
    pub fn new(
        code: Code,
        object: impl Into<String>,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            code,
            object: object.into(),
            sentence: sentence.into(),
            remedy: remedy.into(),
        }
    }

    /// A finding about a role.
    pub fn of_role(
        code: Code,
        role: &str,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding::new(code, format!("role {}", ident(role)), sentence, remedy)
    }
}

/// How many findings of one code are told one by one.
pub const MOST: usize = 100;

/// Puts findings in order, the worst first, and folds those of a code beyond [`MOST`] into one line; `unread`
/// of the code that it names were not even read.
pub fn in_order(mut all: Vec<Finding>, unread: (Code, usize)) -> Vec<Finding> {
    let key = |f: &Finding| (f.code.severity(), f.code, f.object.clone());
    all.sort_by_cached_key(key);
    let mut out: Vec<Finding> = Vec::with_capacity(all.len().min(MOST));
    for of_code in all.chunk_by(|a, b| a.code == b.code) {
        let (told, folded) = of_code.split_at(of_code.len().min(MOST));
        out.extend_from_slice(told);
        let code = of_code[0].code;
        let more = folded.len() + if code == unread.0 { unread.1 } else { 0 };
        if more > 0 {
            out.push(rest(code, more));
        }
    }
    out
}

/// The line that counts the findings that are not told.
fn rest(code: Code, count: usize) -> Finding {
    Finding::new(
        code,
        format!("{count} more"),
        format!("There are {count} more findings of this code."),
        "SELECT * FROM credentials.check();",
    )
}

/// What only a person with a shell on the server can do, as a comment that may stand before a statement:
/// whatever is in it, it stays a comment.
pub fn by_hand(text: &str) -> String {
    text.lines()
        .map(|line| line.replace(|c: char| c.is_control(), " "))
        .map(|line| format!("-- {line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: (Code, usize) = (Code::GroupRights, 0);

    fn finding(code: Code, number: usize) -> Finding {
        Finding::new(code, format!("role r{number:04}"), "", "")
    }

    #[test]
    fn the_worst_comes_first_and_what_is_too_many_becomes_one_line() {
        let many = (0..MOST + 7).map(|i| finding(Code::CredentialUnused, i));
        let one = finding(Code::HbaTrust, 0);
        let told = in_order(many.chain([one.clone()]).collect(), NONE);
        assert_eq!(told.len(), MOST + 2);
        assert_eq!(told[0], one);
        assert_eq!(told[MOST + 1].object, "7 more");
    }

    #[test]
    fn as_many_as_are_told_are_told_without_another_line() {
        let all: Vec<Finding> = (0..MOST).map(|i| finding(Code::HbaMd5, i)).collect();
        assert_eq!(in_order(all.clone(), NONE).len(), MOST);
        assert_eq!(in_order(all, (Code::HbaMd5, 3))[MOST].object, "3 more");
    }

    #[test]
    fn what_is_done_by_hand_never_gets_out_of_its_comment() {
        let text = by_hand("a\rDROP\u{b}b\nc");
        assert_eq!(text, "-- a DROP b\n-- c\n");
    }

    #[test]
    fn every_code_and_its_severity_stand_in_the_papers() {
        let papers = include_str!("../../docs/checks.md");
        let told: Vec<(&str, &str)> = papers
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .filter_map(|(code, rest)| Some((code, rest.split_once(" |")?.0)))
            .collect();
        let coded: Vec<(&str, &str)> = Code::ALL
            .iter()
            .map(|c| (c.as_str(), c.severity().as_str()))
            .collect();
        assert_eq!(told, coded);
    }
}
