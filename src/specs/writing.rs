//! A [`Spec`] becomes a document; what is absent is left out.

use super::spec::{table_rights, GroupName, Schema, Spec, TableName, Tenant, Variables, Wanted};
use crate::attachments::endpoint;
use serde_json::{json, Map, Value as Json};

impl Spec {
    /// The document that says this; what is absent is left out.
    pub fn to_json(&self) -> Json {
        let mut top = Map::new();
        let mut put = |key: &str, value: Json, present: bool| {
            if present {
                top.insert(key.to_owned(), value);
            }
        };
        let schemas = self.schemas.iter().map(|(n, s)| (n.clone(), s.to_json()));
        put(
            "schemas",
            Json::Object(schemas.collect()),
            !self.schemas.is_empty(),
        );
        let groups: Vec<String> = self.groups.iter().map(GroupName::role).collect();
        put("groups", json!(groups), !self.groups.is_empty());
        let credentials = self
            .credentials
            .iter()
            .map(|(n, w)| (n.clone(), w.to_json()));
        let any = !self.credentials.is_empty();
        put("credentials", Json::Object(credentials.collect()), any);
        let any = !self.attachments.is_empty();
        put("attachments", attachments(&self.attachments), any);
        let tenants: Vec<Json> = self.tenants.iter().map(Tenant::to_json).collect();
        put("tenants", json!(tenants), !self.tenants.is_empty());
        if let Some(from) = &self.from {
            put(
                "from",
                json!({"role": from.role, "stage": from.stage.as_str()}),
                true,
            );
        }
        Json::Object(top)
    }
}

fn attachments(variables: &Variables) -> Json {
    let mut apps = Map::new();
    for (variable, held) in variables {
        let value = match held.endpoint.as_str() {
            endpoint::LEADER => json!(held.credential),
            other => json!({"credential": held.credential, "endpoint": other}),
        };
        let app = apps
            .entry(variable.app.clone())
            .or_insert_with(|| Json::Object(Map::new()));
        if let Some(app) = app.as_object_mut() {
            app.insert(variable.config_var.clone(), value);
        }
    }
    Json::Object(apps)
}

impl Schema {
    fn to_json(&self) -> Json {
        let mut out = Map::new();
        if let Some(owner) = &self.owner {
            out.insert("owner".to_owned(), json!(owner.role()));
        }
        if self.authoritative {
            out.insert("authoritative".to_owned(), json!(true));
        }
        Json::Object(out)
    }
}

impl Wanted {
    fn to_json(&self) -> Json {
        let mut out = Map::new();
        let mut put = |key: &str, value: Json, present: bool| {
            if present {
                out.insert(key.to_owned(), value);
            }
        };
        let access = self
            .access
            .iter()
            .map(|(s, a)| (s.clone(), json!(a.as_str())));
        put(
            "access",
            Json::Object(access.collect()),
            !self.access.is_empty(),
        );
        put(
            "connection_limit",
            json!(self.connection_limit),
            self.connection_limit.is_some(),
        );
        put("settings", json!(self.settings), !self.settings.is_empty());
        put("login", json!(self.login), self.login.is_some());
        let tables = self
            .tables
            .iter()
            .map(|(t, bits)| (t.quoted(), json!(table_rights(*bits))));
        put(
            "tables",
            Json::Object(tables.collect()),
            !self.tables.is_empty(),
        );
        put("roles", json!(self.roles), !self.roles.is_empty());
        Json::Object(out)
    }
}

impl Tenant {
    fn to_json(&self) -> Json {
        let tables: Vec<String> = self.tables.iter().map(TableName::quoted).collect();
        json!({"credential": self.credential, "tables": tables, "column": self.column, "value": self.value})
    }
}
