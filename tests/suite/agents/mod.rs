//! The agents of examples/agent: an app's variables are in its file, and the app has read them, whatever happens.

use std::fs::{self, File};
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command};

use crate::harness::programs::{checkout, node, node_module, python};
use crate::harness::{wait_until, SOON};
use crate::scene::{ask, column, run, Scene};

/// In which language.
#[derive(Clone, Copy)]
enum Language {
    Python,
    Node,
}

/// A scene with an app `shop` that has two credentials, and an agent for it.
struct Watched {
    scene: Scene,
    language: Language,
    folder: PathBuf,
    url: String,
    running: Option<Child>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Watched {
    fn new(language: Language) -> Watched {
        let mut scene = Scene::new();
        let password = "the-password-of-the-agent";
        run(
            &mut scene.own,
            "SELECT credentials.create('one'); SELECT credentials.create('two');
             SELECT credentials.attach('one', 'shop'); SELECT credentials.attach('two', 'shop', 'REPORTS')",
        );
        run(
            &mut scene.su,
            &format!("CREATE ROLE shop_agent LOGIN PASSWORD '{password}'; GRANT CONNECT ON DATABASE app TO shop_agent;
                      GRANT USAGE ON SCHEMA credentials TO shop_agent;
                      GRANT EXECUTE ON FUNCTION credentials.config_vars, credentials.attachments, credentials.events TO shop_agent"),
        );
        let url = format!(
            "postgres://shop_agent:{password}@127.0.0.1:{}/app",
            scene.cluster.port()
        );
        let folder = scene.cluster.home().join("agent");
        fs::create_dir(&folder).unwrap();
        if let Language::Node = language {
            fs::copy(
                checkout("examples/agent/agent.mjs"),
                folder.join("agent.mjs"),
            )
            .unwrap();
            symlink(node_module(""), folder.join("node_modules")).unwrap();
        }
        let reload = format!("#!/bin/sh\nexec cp {0}/env {0}/read\n", folder.display());
        fs::write(folder.join("reload"), reload).unwrap();
        fs::set_permissions(folder.join("reload"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut watched = Watched {
            scene,
            language,
            folder,
            url,
            running: None,
        };
        watched.start();
        watched
    }

    fn command(&self) -> Command {
        match self.language {
            Language::Python => {
                let mut command = python("python");
                command.arg(checkout("examples/agent/agent.py"));
                command
            }
            Language::Node => {
                let mut command = node();
                command.arg(self.folder.join("agent.mjs"));
                command
            }
        }
    }

    fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let child = self
            .command()
            .args(["--app", "shop", "--file", "env", "--reload"])
            .arg(self.folder.join("reload"))
            .current_dir(&self.folder)
            .env("CREDENTIALS_URL", &self.url)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.running = Some(child.unwrap());
    }

    /// With SIGKILL, wherever it is.
    fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What the file should hold.
    fn truth(&mut self) -> String {
        let told = column(
            &mut self.scene.own,
            "SELECT config_var || '=' || value || E'\\n' FROM credentials.config_vars('shop') ORDER BY 1",
        );
        for line in &told {
            let password = line
                .split(':')
                .nth(2)
                .and_then(|rest| rest.split('@').next());
            self.scene
                .cluster
                .remember_secret(password.expect("a password"));
        }
        told.concat()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Waits until the app has read the truth.
    #[track_caller]
    fn settled(&mut self) {
        self.scene.settle();
        let truth = self.truth();
        assert!(!truth.is_empty());
        wait_until("the app has read the variables as they are", SOON, || {
            self.file("env") == truth && self.file("read") == truth
        });
    }

    /// How often the agent has been told a secret.
    fn tellings(&mut self) -> usize {
        let sql = "SELECT count(*) FROM credentials.events() WHERE action = 'config_vars' AND session_role = 'shop_agent'";
        ask(&mut self.scene.su, sql).parse().unwrap()
    }
}

fn follows(language: Language) {
    let mut watched = Watched::new(language);
    watched.settled();
    let mode = fs::metadata(watched.folder.join("env"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    run(
        &mut watched.scene.own,
        "SELECT credentials.rotate('one', overlap => '300 ms')",
    );
    watched.settled();
    let url = watched
        .file("read")
        .lines()
        .next()
        .unwrap()
        .replacen("DATABASE_URL=", "", 1);
    watched.scene.cluster.connect(&url).unwrap();
    run(
        &mut watched.scene.own,
        "SELECT credentials.detach('REPORTS', 'shop')",
    );
    watched.settled();
    assert_eq!(watched.file("read").lines().count(), 1);
    // What is no matter of this app is not asked for.
    let asked = watched.tellings();
    run(
        &mut watched.scene.own,
        "SELECT credentials.create('three'); SELECT credentials.attach('three', 'elsewhere')",
    );
    run(&mut watched.scene.own, "SELECT pg_notify('credentials', 'nonsense'), pg_notify('credentials', '99999999999999999999')");
    run(
        &mut watched.scene.own,
        "SELECT credentials.set_password('one')",
    );
    watched.settled();
    let more = watched.tellings() - asked;
    assert!(
        (1..=2).contains(&more),
        "{more} times: {}",
        watched.file("log")
    );
}

fn survives(language: Language, rotations: u32) {
    let mut watched = Watched::new(language);
    watched.settled();
    for round in 0..rotations {
        let call = match round % 3 {
            0 => "rotate('one', force => true)",
            1 => "rotate('one', overlap => '200 ms')",
            _ => "rotate('two', force => true)",
        };
        run(
            &mut watched.scene.own,
            &format!("SELECT credentials.{call}"),
        );
        // At any moment of what it does then: while it starts, reads, writes or reloads.
        let moment = std::time::Duration::from_millis(u64::from(round * 37 % 260));
        std::thread::sleep(moment);
        watched.kill();
        watched.start();
        watched.settled();
    }
    assert!(
        !watched.file("log").contains("rotating:"),
        "no password is told"
    );
    assert_eq!(watched.file("env.new"), "", "nothing half written is left");
}

#[test]
fn the_python_agent_writes_each_change_of_its_app_and_asks_for_no_other() {
    follows(Language::Python);
}

#[test]
fn the_node_agent_writes_each_change_of_its_app_and_asks_for_no_other() {
    follows(Language::Node);
}

#[test]
fn the_python_agent_killed_at_random_during_twenty_rotations_ends_with_the_true_variables_each_time(
) {
    survives(Language::Python, 20);
}

#[test]
fn the_node_agent_killed_at_random_during_twenty_rotations_ends_with_the_true_variables_each_time()
{
    survives(Language::Node, 20);
}

#[test]
fn an_agent_whose_server_crashes_and_whose_reload_command_fails_tries_again() {
    let mut watched = Watched::new(Language::Python);
    watched.settled();
    let working = fs::read(watched.folder.join("reload")).unwrap();
    fs::write(watched.folder.join("reload"), "#!/bin/sh\nexit 1\n").unwrap();
    watched.scene.cluster.kill9();
    watched.scene.cluster.start();
    let url = {
        let mut su = watched.scene.cluster.superuser("app");
        run(&mut su, "SELECT credentials.set_password('one')");
        watched.scene.cluster.url("default")
    };
    watched.scene.su = watched.scene.cluster.superuser("app");
    watched.scene.own = watched.scene.cluster.connect(&url).unwrap();
    wait_until("the reload command fails", SOON, || {
        watched.file("log").contains("reload command failed")
    });
    fs::write(watched.folder.join("reload"), working).unwrap();
    watched.settled();
}
