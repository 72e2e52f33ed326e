//! The present state as a Mermaid graph, to be pasted where Mermaid is drawn.

use super::present::{ObjectIs, Present, Scope};
use super::spec::table_rights;
use crate::core::name::DEFAULT;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The graph: credentials to the left, the groups and roles they are members of, the schemas to the right.
pub fn diagram(now: &Present) -> String {
    let mut graph = Graph::default();
    let default = graph.node("default", "default", Shape::Login);
    for (name, held) in &now.credentials {
        let credential = graph.node("credential", name, Shape::Login);
        for (scope, access) in &held.access {
            if let Some(group) = now.group_of(scope, access.group()) {
                let group = graph.node("group", group, Shape::Group);
                graph.edge(&credential, access.as_str(), &group);
            }
        }
        for role in &held.roles {
            let is_default = *role == now.default_role;
            let role = match is_default {
                true => default.clone(),
                false => graph.node("role", role, Shape::Role),
            };
            graph.edge(&credential, "member", &role);
        }
    }
    for (variable, held) in &now.stock.variables {
        let app = graph.node("app", &variable.app, Shape::App);
        let credential = match held.credential.as_str() {
            DEFAULT => default.clone(),
            name => graph.node("credential", name, Shape::Login),
        };
        graph.edge(&app, &variable.config_var, &credential);
    }
    for (name, group) in &now.groups {
        let node = graph.node("group", name, Shape::Group);
        let schema = match &group.scope {
            Scope::Schema(schema) => graph.node("schema", schema, Shape::Schema),
            Scope::Every => graph.node("every schema", "every schema", Shape::Schema),
        };
        graph.edge(&node, group.kind.as_str(), &schema);
    }
    for (name, schema) in &now.schemas {
        let node = graph.node("schema", name, Shape::Schema);
        if schema.owner == now.default_role {
            graph.edge(&default, "owner", &node);
        }
    }
    direct(now, &mut graph);
    graph.text()
}

/// What credentials were given on tables themselves: an edge a schema, since tables are many.
fn direct(now: &Present, graph: &mut Graph) {
    let mut given: BTreeMap<(&str, &str), (BTreeSet<u32>, u32)> = BTreeMap::new();
    for right in &now.direct {
        if let (ObjectIs::Table(_), 0) = (&right.object.kind, right.object.column) {
            let (tables, bits) = given.entry((&right.credential, &right.schema)).or_default();
            tables.insert(right.object.oid.to_u32());
            *bits |= right.rights;
        }
    }
    for ((credential, schema), (tables, bits)) in given {
        let from = graph.node("credential", credential, Shape::Login);
        let to = graph.node("schema", schema, Shape::Schema);
        let some = match tables.len() {
            1 => "1 table".to_owned(),
            n => format!("{n} tables"),
        };
        graph.edge(
            &from,
            &format!("{} on {some}", table_rights(bits).join(", ")),
            &to,
        );
    }
}

/// What a node is drawn as.
#[derive(Clone, Copy)]
enum Shape {
    /// An app: a flag.
    App,
    /// Something to log in with: round ends.
    Login,
    /// A managed group: six corners.
    Group,
    /// Any other role: a box.
    Role,
    /// A schema: a drum.
    Schema,
}

#[derive(Default)]
struct Graph {
    /// Node numbers by what and which.
    nodes: BTreeMap<(&'static str, String), String>,
    lines: Vec<String>,
    edges: Vec<String>,
}

impl Graph {
    /// The id of a node, which is drawn at its first mention. Ids are numbers: no name is ever a word of
    /// the graph.
    fn node(&mut self, kind: &'static str, name: &str, shape: Shape) -> String {
        let key = (kind, name.to_owned());
        if let Some(id) = self.nodes.get(&key) {
            return id.clone();
        }
        let id = format!("n{}", self.nodes.len() + 1);
        let (open, close) = match shape {
            Shape::App => (">", "]"),
            Shape::Login => ("([", "])"),
            Shape::Group => ("{{", "}}"),
            Shape::Role => ("[", "]"),
            Shape::Schema => ("[(", ")]"),
        };
        self.lines
            .push(format!("  {id}{open}\"{}\"{close}", label(name)));
        self.nodes.insert(key, id.clone());
        id
    }

    fn edge(&mut self, from: &str, word: &str, to: &str) {
        let edge = format!("  {from} -->|\"{}\"| {to}", label(word));
        if !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    fn text(self) -> String {
        let mut text = String::from("flowchart LR\n");
        for line in self.lines.into_iter().chain(self.edges) {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

/// A name as the text of a label. All but letters, digits and a few signs that mean nothing to Mermaid are
/// written as the numbers of their characters, so that no name ends its label or draws anything.
fn label(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | ',');
    let mut out = String::new();
    for c in name.chars() {
        match plain(c) {
            true => out.push(c),
            false => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}

#[cfg(test)]
mod tests;
