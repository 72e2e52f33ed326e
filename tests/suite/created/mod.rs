//! What is made is everybody's who may read its schema, at once, whoever makes it by whichever statement.
//! SPEC 4, "Access presets".

mod between;
mod elsewhere;
mod everywhere;
mod hostile;
mod kinds;
mod makers;
mod moves;
mod race;
mod routines;
mod statements;
mod twins;
mod undone;
mod views;

use postgres::Client;

use crate::harness::Cluster;
use crate::scene::{ask, column, outcome, run, Scene};

/// The credentials of the shop, and what they are given.
const MEMBERS: [(&str, &str); 3] = [
    ("reader", "read_only"),
    ("writer", "read_write"),
    ("migrator", "owner"),
];

/// The schema `shop` with its three groups, a member of each, and a role of nobody's that may create there.
struct Shop {
    scene: Scene,
    reader: Client,
    writer: Client,
    /// The member of the owner group.
    migrator: Client,
    /// An unmanaged role.
    stranger: Client,
}

impl Shop {
    #[track_caller]
    fn new() -> Shop {
        Shop::on(Cluster::new())
    }

    #[track_caller]
    fn on(cluster: Cluster) -> Shop {
        let mut scene = Scene::on(cluster);
        run(&mut scene.su, "CREATE SCHEMA shop");
        for (name, access) in MEMBERS {
            let create = format!("SELECT credentials.create('{name}', '{access}', '{{shop}}')");
            run(&mut scene.su, &create);
        }
        let [reader, writer, migrator] = MEMBERS.map(|(name, _)| scene.login(name));
        let stranger = scene.stranger("stranger", "");
        run(
            &mut scene.su,
            "GRANT CREATE, USAGE ON SCHEMA shop TO stranger; GRANT CREATE ON DATABASE app TO migrator",
        );
        Shop {
            scene,
            reader,
            writer,
            migrator,
            stranger,
        }
    }

    /// Everybody who may make things in the schema.
    fn makers(&mut self) -> [(&'static str, &mut Client); 4] {
        [
            ("postgres", &mut self.scene.su),
            ("app_owner", &mut self.scene.own),
            ("migrator", &mut self.migrator),
            ("stranger", &mut self.stranger),
        ]
    }

    /// The reader reads it, and does no more; the writer writes it.
    #[track_caller]
    fn is_open(&mut self, table: &str) {
        assert_eq!(self.read(table), "", "{table} is not readable");
        let insert = format!("INSERT INTO {table} SELECT * FROM {table} WHERE false");
        assert_eq!(outcome(&mut self.reader, &insert), "42501", "{table}");
        assert_eq!(outcome(&mut self.writer, &insert), "", "{table}");
    }

    /// What comes of reading it as the reader.
    fn read(&mut self, table: &str) -> String {
        outcome(&mut self.reader, &format!("SELECT FROM {table}"))
    }

    /// Who owns a relation.
    #[track_caller]
    fn owner(&mut self, relation: &str) -> String {
        let owner =
            format!("SELECT relowner::regrole FROM pg_class WHERE oid = '{relation}'::regclass");
        ask(&mut self.scene.su, &owner)
    }
}

/// Who may do what with a relation, a schema or a routine, beyond its owner.
#[track_caller]
fn rights(su: &mut Client, list: &str) -> Vec<String> {
    column(
        su,
        &format!(
            "SELECT coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') || ' ' || string_agg(a.privilege_type, ',' ORDER BY a.privilege_type)
               FROM ({list}) o(owner, acl), aclexplode(o.acl) a WHERE a.grantee <> o.owner GROUP BY a.grantee ORDER BY 1"
        ),
    )
}

/// The same of one relation.
#[track_caller]
fn relation_rights(su: &mut Client, relation: &str) -> Vec<String> {
    let list = format!("SELECT relowner, relacl FROM pg_class WHERE oid = '{relation}'::regclass");
    rights(su, &list)
}

/// The same of one routine, PUBLIC left out.
#[track_caller]
fn routine_rights(su: &mut Client, routine: &str) -> Vec<String> {
    let list =
        format!("SELECT proowner, proacl FROM pg_proc WHERE oid = '{routine}'::regprocedure");
    let mut rights = rights(su, &list);
    rights.retain(|right| !right.starts_with("PUBLIC "));
    rights
}

/// The rights of both groups of the shop on a routine.
const BOTH_EXECUTE: [&str; 2] = ["db_reader_shop EXECUTE", "db_writer_shop EXECUTE"];
