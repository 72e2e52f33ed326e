//! The rule that keeps tenants to their rows, as a policy and as text: pure.
//!
//! Row security asks for the role that *owns what reads* the table: a view's owner, not whoever asks the view.
//! A policy `TO tenant_a` is so passed by in every view, every SECURITY DEFINER routine and every group that
//! the tenant can SET ROLE to. The rule is therefore for everybody, and asks who runs the statement
//! (CURRENT_USER), or where that is no tenant, who logged in (SESSION_USER): behind a view the tenant is
//! still the former, in a definer's routine and after SET ROLE the latter. Whoever is neither sees all rows.
//!
//! It names roles, since a policy that is dumped and restored must mean the same there; and the rotating
//! twins with them, since their names are known before they are made.

use crate::core::name::TWIN_SUFFIX;
use crate::core::quote::{ident, literal};
use crate::pg::expression::{Elements, Expr, TypeName};
use crate::pg::policy::Policy;
use std::collections::BTreeMap;

/// The policy that lets rows be seen at all, by everybody. One policy at least must.
pub const OTHERS: &str = "tenants_others";
/// The policy that every row must pass whatever other policies say.
pub const ROWS: &str = "tenants_rows";

/// What a tenant's rows bear on one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The tenant's role.
    pub role_name: String,
    /// The column.
    pub column: String,
    /// The column's type.
    pub kind: TypeName,
    /// What stands there in the tenant's rows.
    pub value: String,
}

/// The two policies of a table with these tenants; `text` is the type of names.
pub fn policies(tenants: &[Marked], text: &TypeName) -> [Policy; 2] {
    [
        Policy {
            name: OTHERS,
            restrictive: false,
            rule: Expr::True,
        },
        Policy {
            name: ROWS,
            restrictive: true,
            rule: rule(tenants, text),
        },
    ]
}

fn rule(tenants: &[Marked], text: &TypeName) -> Expr {
    let names = || Box::new(Expr::Array(names(tenants.iter(), text)));
    let runs = || Expr::IsIn(Box::new(Expr::CurrentUser), names());
    let logged_in = Expr::IsIn(Box::new(Expr::SessionUser), names());
    let nobody = Expr::Not(Box::new(Expr::Or(vec![runs(), logged_in])));
    let mut columns: BTreeMap<&str, Vec<&Marked>> = BTreeMap::new();
    for tenant in tenants {
        columns.entry(&tenant.column).or_default().push(tenant);
    }
    let mut parts = vec![Expr::Once(Box::new(nobody))];
    for (column, marked) in columns {
        let who = Expr::If(
            Box::new(runs()),
            Box::new(Expr::CurrentUser),
            Box::new(Expr::SessionUser),
        );
        let value = Expr::Lookup(
            values(&marked),
            self::names(marked.iter().copied(), text),
            Box::new(who),
        );
        parts.push(Expr::Equal(
            Box::new(Expr::Column(column.to_owned())),
            Box::new(Expr::Once(Box::new(value))),
        ));
    }
    Expr::Or(parts)
}

/// The names that each tenant can have: its role's and its twin's.
fn names<'a>(tenants: impl Iterator<Item = &'a Marked>, text: &TypeName) -> Elements {
    let items = tenants
        .flat_map(|t| [t.role_name.clone(), format!("{}{TWIN_SUFFIX}", t.role_name)])
        .collect();
    Elements {
        kind: text.clone(),
        items,
    }
}

/// The values that belong to [`names`], in the same order. All are of one column, so of one type.
fn values(tenants: &[&Marked]) -> Elements {
    let items = tenants
        .iter()
        .flat_map(|t| [t.value.clone(), t.value.clone()])
        .collect();
    Elements {
        kind: tenants[0].kind.clone(),
        items,
    }
}

/// CREATE POLICY as a person would type it.
pub fn statement(policy: &Policy, table: &str) -> String {
    let restrictive = if policy.restrictive {
        " AS RESTRICTIVE"
    } else {
        ""
    };
    let rule = text(&policy.rule);
    format!(
        "CREATE POLICY {} ON {table}{restrictive} USING ({rule}) WITH CHECK ({rule});",
        policy.name
    )
}

/// An expression as SQL writes it.
fn text(expr: &Expr) -> String {
    match expr {
        Expr::True => "true".to_owned(),
        Expr::CurrentUser => "CURRENT_USER::text".to_owned(),
        Expr::SessionUser => "SESSION_USER::text".to_owned(),
        Expr::Column(name) => ident(name),
        Expr::Array(elements) => array(elements),
        Expr::Equal(a, b) => format!("{} OPERATOR(pg_catalog.=) {}", text(a), text(b)),
        Expr::IsIn(a, b) => format!("{} OPERATOR(pg_catalog.=) ANY ({})", text(a), text(b)),
        Expr::Or(parts) => parts.iter().map(text).collect::<Vec<_>>().join(" OR "),
        Expr::Not(part) => format!("NOT ({})", text(part)),
        Expr::If(condition, yes, no) => format!(
            "CASE WHEN {} THEN {} ELSE {} END",
            text(condition),
            text(yes),
            text(no)
        ),
        Expr::Once(part) => format!("(SELECT {} AS answer)", text(part)),
        Expr::Lookup(values, keys, key) => format!(
            "({})[pg_catalog.array_position({}, {})]",
            array(values),
            array(keys),
            text(key)
        ),
    }
}

fn array(elements: &Elements) -> String {
    format!("{}::{}[]", literal(&elements.literal()), elements.kind.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::Oid;

    fn kind(name: &str) -> TypeName {
        TypeName {
            oid: Oid::INVALID,
            name: name.to_owned(),
        }
    }

    fn tenant(role: &str, column: &str, value: &str) -> Marked {
        Marked {
            role_name: role.to_owned(),
            column: column.to_owned(),
            kind: kind("integer"),
            value: value.to_owned(),
        }
    }

    #[test]
    fn the_rule_is_for_everybody_and_holds_the_twin_too() {
        let [others, rows] = policies(&[tenant("a", "org", "7")], &kind("text"));
        assert!(!others.restrictive && others.rule == Expr::True);
        assert_eq!(
            statement(&others, "shop.orders"),
            "CREATE POLICY tenants_others ON shop.orders USING (true) WITH CHECK (true);"
        );
        let who = r#"'{"a","a-rotating"}'::text[]"#;
        let rule = format!(
            "(SELECT NOT (CURRENT_USER::text OPERATOR(pg_catalog.=) ANY ({who}) OR SESSION_USER::text OPERATOR(pg_catalog.=) ANY ({who})) AS answer) \
             OR org OPERATOR(pg_catalog.=) (SELECT ('{{\"7\",\"7\"}}'::integer[])[pg_catalog.array_position({who}, \
             CASE WHEN CURRENT_USER::text OPERATOR(pg_catalog.=) ANY ({who}) THEN CURRENT_USER::text ELSE SESSION_USER::text END)] AS answer)"
        );
        assert_eq!(
            statement(&rows, "shop.orders"),
            format!("CREATE POLICY tenants_rows ON shop.orders AS RESTRICTIVE USING ({rule}) WITH CHECK ({rule});")
        );
    }

    #[test]
    fn tenants_of_another_column_have_a_part_of_their_own_and_are_tenants_all_the_same() {
        let tenants = [tenant("a", "org", "7"), tenant("b", "team", "9")];
        let Expr::Or(parts) = rule(&tenants, &kind("text")) else {
            unreachable!("a rule is a choice")
        };
        assert_eq!(parts.len(), 3);
        let guard = text(&parts[0]);
        assert!(guard.contains("\"a\"") && guard.contains("\"b-rotating\""));
        assert!(text(&parts[1]).starts_with("org "));
        assert!(text(&parts[1]).contains("'{\"7\",\"7\"}'"));
        assert!(!text(&parts[1]).contains("\"9\""));
        assert!(text(&parts[2]).starts_with("team ") && !text(&parts[2]).contains("\"7\""));
    }

    #[test]
    fn a_hostile_name_or_value_stays_inside_its_quotes() {
        let odd = tenant("a'); DROP TABLE x; --", "o\"rg", "it's \\ \"q\"");
        let said = statement(&policies(&[odd], &kind("text"))[1], "t");
        assert!(said.contains("\"o\"\"rg\" OPERATOR"), "{said}");
        assert!(said.contains("a''); DROP"), "{said}");
    }
}
