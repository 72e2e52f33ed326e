//! Which config variables of which apps a spec changes: pure decisions.

use crate::core::app;
use crate::core::quote::literal;
use crate::error::{shown, Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};

/// A config variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// The app.
    pub app: String,
    /// Its name, such as `DATABASE_URL`.
    pub config_var: String,
}

/// What a variable holds the URL of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The credential's name.
    pub credential: String,
    /// Where the URL leads.
    pub endpoint: String,
}

/// Variables by app and name.
pub type Variables = BTreeMap<Variable, Held>;

/// What is there to attach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// The variables that apps have.
    pub variables: Variables,
    /// The endpoints.
    pub endpoints: BTreeSet<String>,
    /// Credentials whose passwords are not stored, default among them.
    pub untold: BTreeSet<String>,
    /// Whether passwords are stored at all.
    pub stores: bool,
}

/// One variable that is made, or holds another URL then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The variable.
    pub variable: Variable,
    /// What it holds now.
    pub before: Option<Held>,
    /// What it holds then.
    pub after: Held,
}

impl Step {
    /// The statements that a person would type for it.
    pub fn statements(&self) -> Vec<(&'static str, String)> {
        let app = literal(&self.variable.app);
        let variable = &self.variable.config_var;
        let gone = self.before.iter().map(|_| {
            let statement = format!(
                "SELECT * FROM credentials.detach({}, {app});",
                literal(variable)
            );
            ("detach", statement)
        });
        let endpoint = match self.after.endpoint.as_str() {
            super::endpoint::LEADER => String::new(),
            other => format!(", endpoint => {}", literal(other)),
        };
        let attach = format!(
            "SELECT * FROM credentials.attach({}, {app}, as_name => {}{endpoint});",
            literal(&self.after.credential),
            literal(app::as_name(variable).unwrap_or(variable)),
        );
        gone.chain([("attach", attach)]).collect()
    }
}

/// The variables that are not as `wanted` has them, in order. What it does not name stays.
///
/// # Errors
/// As attach() has them, for what it would refuse; `comes` tells whether a credential is there or is being made.
pub fn plan(wanted: &Variables, now: &Stock, comes: impl Fn(&str) -> bool) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (variable, after) in wanted {
        let before = now.variables.get(variable);
        if before == Some(after) {
            continue;
        }
        refuse(after, now, comes(&after.credential))?;
        steps.push(Step {
            variable: variable.clone(),
            before: before.cloned(),
            after: after.clone(),
        });
    }
    Ok(steps)
}

fn refuse(wanted: &Held, now: &Stock, is_there: bool) -> Result<()> {
    if !is_there {
        return Err(crate::catalog::unknown(&wanted.credential));
    }
    if !now.endpoints.contains(&wanted.endpoint) {
        return Err(super::endpoint::unknown(&wanted.endpoint));
    }
    if !now.stores {
        return Err(needs_key_file());
    }
    if now.untold.contains(&wanted.credential) {
        return Err(not_stored(&wanted.credential));
    }
    Ok(())
}

/// The error where passwords are not stored at all.
pub fn needs_key_file() -> Error {
    Kind::NotReady
        .error("attachments need a key file")
        .detail("credential_manager.key_file is empty, so no password is stored that a URL could be made of.")
        .hint("Set credential_manager.key_file in postgresql.conf and reload.")
}

/// The error where that of a credential is not stored.
fn not_stored(name: &str) -> Error {
    Kind::NotReady
        .error(format!(
            "no password of credential \"{}\" is stored",
            shown(name)
        ))
        .hint(format!(
            "SELECT * FROM credentials.rotate('{}', force => true);",
            shown(name)
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(held: &[(&str, &str, &str)]) -> Variables {
        let entry = |(variable, credential, endpoint): &(&str, &str, &str)| {
            let variable = Variable {
                app: "shop".to_owned(),
                config_var: (*variable).to_owned(),
            };
            let held = Held {
                credential: (*credential).to_owned(),
                endpoint: (*endpoint).to_owned(),
            };
            (variable, held)
        };
        held.iter().map(entry).collect()
    }

    fn stock(held: &[(&str, &str, &str)]) -> Stock {
        Stock {
            variables: variables(held),
            endpoints: ["leader", "pool"].map(str::to_owned).into(),
            untold: ["taken".to_owned()].into(),
            stores: true,
        }
    }

    #[test]
    fn what_is_as_it_should_be_is_left_and_what_is_not_named_stays() {
        let now = stock(&[("A_URL", "one", "leader"), ("B_URL", "one", "leader")]);
        let same = variables(&[("A_URL", "one", "leader")]);
        assert_eq!(plan(&same, &now, |_| true), Ok(Vec::new()));
    }

    #[test]
    fn another_credential_or_endpoint_is_a_detach_and_an_attach() {
        let now = stock(&[("A_URL", "one", "leader")]);
        for (credential, endpoint, ending) in [
            ("two", "leader", "attach('two', 'shop', as_name => 'A');"),
            (
                "one",
                "pool",
                "attach('one', 'shop', as_name => 'A', endpoint => 'pool');",
            ),
        ] {
            let wanted = variables(&[("A_URL", credential, endpoint)]);
            let steps = plan(&wanted, &now, |_| true).unwrap_or_default();
            let told: Vec<_> = steps.iter().flat_map(Step::statements).collect();
            assert_eq!(told.len(), 2, "{told:?}");
            assert_eq!(
                told[0],
                (
                    "detach",
                    "SELECT * FROM credentials.detach('A_URL', 'shop');".to_owned()
                )
            );
            assert!(told[1].1.ends_with(ending), "{told:?}");
        }
    }

    #[test]
    fn what_attach_would_refuse_is_refused() {
        let refused = |wanted: &[(&str, &str, &str)], now: &Stock, comes: bool| {
            plan(&variables(wanted), now, |_| comes).map_err(|e| e.kind())
        };
        let now = stock(&[]);
        assert_eq!(
            refused(&[("A_URL", "one", "leader")], &now, false),
            Err(Kind::NotFound)
        );
        assert_eq!(
            refused(&[("A_URL", "one", "moon")], &now, true),
            Err(Kind::NotFound)
        );
        assert_eq!(
            refused(&[("A_URL", "taken", "leader")], &now, true),
            Err(Kind::NotReady)
        );
        let keyless = Stock {
            stores: false,
            ..stock(&[])
        };
        assert_eq!(
            refused(&[("A_URL", "one", "leader")], &keyless, true),
            Err(Kind::NotReady)
        );
    }
}
