//! Extensions that the default credential installs: real ones of the server, and hostile ones made for these tests.

mod at_once;
mod hostile;
mod listed;
mod refused;
mod trusted;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use crate::harness::{wait_until, Cluster, Place, SOON};
use crate::scene::{ask, rows, Scene};

/// The version of citext that the server comes with.
const CITEXT: &str = if cfg!(feature = "pg18") { "1.8" } else { "1.6" };

/// A scene in which a superuser's right is lent for these extensions.
fn scene_with(list: &str) -> Scene {
    Scene::on(
        Cluster::builder()
            .setting("credential_manager.supported_extensions", list)
            .start(),
    )
}

/// The row that a call of the default credential answers with.
#[track_caller]
fn install(scene: &mut Scene, arguments: &str) -> String {
    let call = format!("SELECT * FROM credentials.install_extension({arguments})");
    rows(&mut scene.own, &call).join(" ")
}

/// Where an extension is and whose it is: `schema owner, extension owner`.
fn whose(scene: &mut Scene, extension: &str) -> String {
    ask(
        &mut scene.su,
        &format!(
            "SELECT n.nspowner::regrole || ', ' || e.extowner::regrole FROM pg_extension e
               JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = '{extension}'"
        ),
    )
}

/// All that a refused call must leave as it was: every schema, extension, role and event.
fn state(scene: &mut Scene) -> String {
    let mine = ask(
        &mut scene.su,
        "SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (
           SELECT e::text FROM pg_extension e UNION ALL SELECT n::text FROM pg_namespace n WHERE nspname !~ '^pg_(toast_)?temp_'
           UNION ALL SELECT p.oid::text FROM pg_proc p UNION ALL SELECT v.id::text FROM credentials.event v) x(t)",
    );
    mine + &crate::scene::fingerprint(&mut scene.su)
}

/// Puts an extension of a test's own into the server copy's folder; it stays there. Names are a test's own, since
/// all clusters of a run share the folder.
fn offer(name: &str, control: &str, script: &str) {
    static WRITING: Mutex<()> = Mutex::new(());
    let _one = WRITING.lock().unwrap();
    let folder = Place::here().extension_folder();
    write(&folder.join(format!("{name}--1.0.sql")), script);
    let control = format!("default_version = '1.0'\n{control}\n");
    write(&folder.join(format!("{name}.control")), &control);
}

/// Under another name first: a server that reads the folder meanwhile finds whole files.
fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("to write into the server copy");
    fs::rename(&new, path).expect("to put a file in its place");
}

/// Gives the setting another value, for sessions that are there too.
fn reload_list(scene: &mut Scene, list: &str) {
    let line = format!("credential_manager.supported_extensions = '{list}'");
    scene.cluster.append_conf(&line);
    ask(&mut scene.su, "SELECT pg_reload_conf()");
    let (own, show) = (
        &mut scene.own,
        "SHOW credential_manager.supported_extensions",
    );
    wait_until("the new list is read", SOON, || ask(own, show) == list);
}
