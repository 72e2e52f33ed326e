//! Row for row what the queries return.

use super::{generated, same_rows};
use crate::scene::{run, Scene};

#[test]
fn the_reports_have_the_rows_of_the_queries_on_a_generated_estate() {
    let mut scene = Scene::new();
    let (relations, roles) = if std::env::var_os("CREDENTIAL_MANAGER_LONG").is_some() {
        (10_000, 120)
    } else {
        (300, 40)
    };
    scene.cluster.allow_superuser("su2");
    generated::roles(&mut scene.su, roles);
    run(&mut scene.su, "ALTER DATABASE app OWNER TO g_owner");
    generated::relations(&mut scene.su, relations, roles);
    let (tables, schemas) = same_rows(&mut scene.su);
    assert!(
        tables > relations * roles / 4,
        "{tables} rows are too few to tell"
    );
    assert!(schemas > roles, "{schemas} rows are too few to tell");
}
