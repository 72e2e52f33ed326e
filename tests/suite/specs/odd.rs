//! Names that nobody expects, as text that a person can paste.

use super::{apply, layout, plan, writes_nothing};
use crate::scene::{ask, column, outcome, run, Scene};

const ODD: [&str; 8] = [
    "The \"Store\"",
    "a'b",
    "back\\slash",
    "größe",
    "semi; DROP TABLE x --",
    "new\nline",
    "select",
    "{a,b}",
];

fn json_of(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One spec with every odd name for a schema and a table.
fn spec() -> String {
    let mut schemas = Vec::new();
    let (mut access, mut tables) = (Vec::new(), Vec::new());
    for (i, name) in ODD.iter().enumerate() {
        schemas.push(format!(
            r#"{}: {{"owner": "db_owner_odd{i}"}}"#,
            json_of(name)
        ));
        access.push(format!(r#"{}: "read_only""#, json_of(name)));
        let quoted = format!("\"{0}\".\"{0}\"", name.replace('"', "\"\""));
        tables.push(format!(r#"{}: ["SELECT", "TRUNCATE"]"#, json_of(&quoted)));
    }
    let (schemas, access, tables) = (schemas.join(","), access.join(","), tables.join(","));
    format!(
        r#"{{"schemas": {{{schemas}}}, "groups": ["db_reader_odd0", "db_writer_odd4"],
            "credentials": {{"App-1": {{"access": {{{access}}}, "tables": {{{tables}}}, "settings": {{"application_name": "it's \\ \"odd\""}}}}}}}}"#
    )
}

fn prepare(scene: &mut Scene) {
    for name in ODD {
        let name = name.replace('"', "\"\"");
        run(
            &mut scene.own,
            &format!("CREATE SCHEMA \"{name}\"; CREATE TABLE \"{name}\".\"{name}\" (i int)"),
        );
    }
}

#[test]
fn every_statement_of_a_plan_runs_as_it_is_printed() {
    let mut scene = Scene::new();
    prepare(&mut scene);
    run(
        &mut scene.su,
        "CREATE SCHEMA authoritative; GRANT ALL ON SCHEMA authoritative TO PUBLIC",
    );
    let mut told = plan(&mut scene.own, &spec());
    told.extend(plan(&mut scene.su, r#"{"schemas": {"authoritative": {}}}"#));
    let layout = layout(&mut scene.su, "'four_roles', 'app'");
    told.extend(plan(&mut scene.su, &layout));
    assert!(told.len() > 50, "{}", told.len());
    for statement in told {
        run(&mut scene.su, "BEGIN");
        let state = outcome(&mut scene.su, &statement);
        // What an earlier statement makes is not there; what is not understood is 42601.
        let absent = ["", "42704", "3F000", "42P01"];
        assert!(absent.contains(&state.as_str()), "{state}: {statement}");
        run(&mut scene.su, "ROLLBACK");
    }
}

#[test]
fn odd_names_are_applied_exported_and_drawn_as_they_are() {
    let mut scene = Scene::hostile();
    prepare(&mut scene);
    let spec = spec();
    apply(&mut scene.own, &spec);
    scene.settle();
    writes_nothing(&mut scene.su, &mut scene.own, &spec);
    let mut app = scene.login("App-1");
    assert_eq!(ask(&mut app, "SHOW application_name"), "it's \\ \"odd\"");
    for name in ODD {
        let name = name.replace('"', "\"\"");
        run(
            &mut app,
            &format!("SELECT * FROM \"{name}\".\"{name}\"; TRUNCATE \"{name}\".\"{name}\""),
        );
    }
    let exported = ask(&mut scene.own, "SELECT credentials.export()");
    assert_eq!(plan(&mut scene.own, &exported), [""; 0]);
    let tables = "SELECT count(*) FROM jsonb_object_keys(credentials.export() #> '{credentials,App-1,tables}')";
    assert_eq!(ask(&mut scene.own, tables), ODD.len().to_string());
    let drawn = ask(&mut scene.own, "SELECT credentials.diagram()");
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines[0], "flowchart LR");
    for line in &lines[1..] {
        assert!(
            line.starts_with("  n") && line.matches('"').count() == 2,
            "{line}"
        );
    }
    assert!(
        drawn.contains("[(\"semi#59; DROP TABLE x --\")]"),
        "{drawn}"
    );
    assert_eq!(ask(&mut scene.own, "SELECT credentials.diagram()"), drawn);
}

#[test]
fn names_and_texts_are_quoted_as_the_server_quotes_them() {
    let mut scene = Scene::new();
    run(
        &mut scene.own,
        "SET standard_conforming_strings = on; SET quote_all_identifiers = off; CREATE TABLE public.words (w text); INSERT INTO public.words SELECT word FROM pg_get_keywords()",
    );
    for name in ODD {
        scene
            .own
            .execute("INSERT INTO public.words VALUES ($1)", &[&name])
            .unwrap();
    }
    let words = column(
        &mut scene.own,
        "SELECT w FROM public.words WHERE w <> 'default' ORDER BY w",
    );
    let schemas: Vec<String> = words
        .iter()
        .map(|w| format!("{}: {{}}", json_of(w)))
        .collect();
    let spec = format!("{{\"schemas\": {{{}}}}}", schemas.join(",")).replace('\'', "''");
    let wrong = format!(
        "SELECT w FROM public.words WHERE w <> 'default' AND format('CREATE SCHEMA %I AUTHORIZATION app_owner;', w)
           NOT IN (SELECT statement FROM credentials.plan('{spec}'))"
    );
    assert_eq!(column(&mut scene.own, &wrong), [""; 0]);
    assert!(words.len() > 400);
}
