//! Migrations call the functions in the way of their tool, as the default credential over its URL, and can be run again:
//! the projects of examples/migrations, run as they are.

mod runs;

use std::process::Command;

use crate::harness::programs::{checkout, node, node_module, output_of, program, python};
use crate::harness::Cluster;
use crate::scene::{ask, run, Scene};

/// A tool with its project.
#[derive(Clone, Copy, Debug)]
enum Tool {
    Alembic,
    Sqitch,
    NodePgMigrate,
}

/// Which way.
#[derive(Clone, Copy, Debug)]
enum Way {
    Up,
    Down,
}

impl Tool {
    /// The tool's command, in its project's folder.
    fn command(self, way: Way, url: &str) -> Command {
        let folder = |name: &str| checkout("examples/migrations").join(name);
        match self {
            Tool::Alembic => {
                let mut command = python("alembic");
                command.current_dir(folder("alembic"));
                // No compiled files in the checkout.
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command.env("DATABASE_URL", url);
                match way {
                    Way::Up => command.args(["upgrade", "head"]),
                    Way::Down => command.args(["downgrade", "base"]),
                };
                command
            }
            Tool::Sqitch => {
                let mut command = program("/usr/bin/sqitch");
                command.current_dir(folder("sqitch"));
                command.env("SQITCH_FULLNAME", "A developer");
                command.env("SQITCH_EMAIL", "developer@shop.example");
                match way {
                    Way::Up => command.args(["deploy", "--verify"]),
                    Way::Down => command.args(["revert", "-y"]),
                };
                command.arg(format!("db:{url}"));
                command
            }
            Tool::NodePgMigrate => {
                let mut command = node();
                command.current_dir(folder("node-pg-migrate"));
                command.env("DATABASE_URL", url);
                command.arg(node_module("node-pg-migrate/bin/node-pg-migrate.js"));
                command.arg(match way {
                    Way::Up => "up",
                    Way::Down => "down",
                });
                command
            }
        }
    }

    /// Forgets what the tool has run, as a restored database or a new branch may have.
    fn forget(self, s: &mut Scene) {
        run(
            &mut s.own,
            match self {
                Tool::Alembic => "DROP TABLE public.alembic_version",
                Tool::Sqitch => "DROP SCHEMA sqitch CASCADE",
                Tool::NodePgMigrate => "DROP TABLE public.pgmigrations",
            },
        );
    }
}

/// A scene for tools: node-postgres takes `prefer` for `verify-full`.
#[track_caller]
fn scene() -> Scene {
    let cluster = Cluster::builder().setting("credential_manager.sslmode", "disable");
    Scene::on(cluster.start())
}

/// Runs the tool with the default credential's URL; no password is in what it prints.
#[track_caller]
fn migrate(s: &Scene, tool: Tool, way: Way) {
    let url = s.cluster.url("default");
    let said = output_of(&mut tool.command(way, &url), "");
    let config: postgres::Config = url.parse().expect("a URL");
    let password = String::from_utf8_lossy(config.get_password().expect("a password")).into_owned();
    assert!(!said.contains(&password), "{said}");
}

/// Events that changed something.
#[track_caller]
fn changes(s: &mut Scene) -> String {
    ask(
        &mut s.su,
        "SELECT count(*) FROM credentials.event WHERE action NOT IN ('url', 'config_vars')",
    )
}
