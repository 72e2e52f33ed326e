//! Arguments that name nothing: times, numbers, settings, endpoints, jobs.

use super::{Caller, Scene};

#[test]
fn a_lease_of_no_time_of_negative_time_or_of_ages_is_refused() {
    let mut scene = Scene::new();
    for span in [
        "'0'",
        "'-1 second'",
        "'-1 microsecond'",
        "'1 day -25 hours'",
        "'1 mon -31 days'",
        "'-178000000 years'",
        "'178000000 years'",
        "'101 years'",
        "make_interval(years => 2000000)",
        "make_interval(days => 2147483647)",
        "make_interval(secs => 9223372036854)",
    ] {
        scene.refused(&format!("create('newcomer', valid_for => {span})"), "22023");
        scene.refused(&format!("extend('leased', {span})"), "22023");
    }
    scene.refused("extend('analyst', '1 hour')", "22023");
}

#[test]
fn times_of_a_rotation_that_are_negative_or_longer_than_a_year_are_refused() {
    let mut scene = Scene::new();
    for span in [
        "'-1 second'",
        "'-1 microsecond'",
        "'1 day -25 hours'",
        "'-178000000 years'",
    ] {
        for argument in ["grace", "overlap"] {
            scene.refused(&format!("rotate('analyst', {argument} => {span})"), "22023");
            scene.refused(
                &format!("rotate('analyst', true, {argument} => {span})"),
                "22023",
            );
            scene.refused(&format!("rotate_all({argument} => {span})"), "22023");
        }
        scene.refused(&format!("rotate_all(true, older_than => {span})"), "22023");
        scene.refused(&format!("wait(timeout => {span})"), "22023");
        scene.refused(&format!("wait('analyst', {span})"), "22023");
    }
    for span in ["367 days", "178000000 years"] {
        scene.refused(&format!("rotate('analyst', overlap => '{span}')"), "22023");
        scene.refused(&format!("rotate('analyst', grace => '{span}')"), "22023");
        scene.refused(&format!("rotate_all(grace => '{span}')"), "22023");
    }
}

#[test]
fn times_without_end_are_taken_where_they_make_sense() {
    let mut scene = Scene::new();
    for call in [
        "wait(timeout => '178000000 years')",
        "events(since => 'infinity')",
        "events(since => '-infinity')",
        "events(after => 9223372036854775807)",
        "events(after => -9223372036854775808)",
        "rotate_all(true, older_than => '178000000 years')",
    ] {
        scene.accepted(Caller::Default, call);
    }
}

#[test]
fn a_connection_limit_below_none_is_refused() {
    let mut scene = Scene::new();
    for limit in [-2, -100, i32::MIN] {
        scene.refused(
            &format!("create('newcomer', connection_limit => {limit})"),
            "22023",
        );
        scene.refused(&format!("configure('analyst', {limit})"), "22023");
    }
    for limit in [-1, 0, 1, i32::MAX] {
        scene.accepted(Caller::Default, &format!("configure('analyst', {limit})"));
    }
}

/// Settings that are no settings, or that would change who a session is, or that are not any user's to SET.
const BAD_SETTINGS: [&str; 34] = [
    "null",
    "[]",
    "\"x\"",
    "1",
    "true",
    "[{\"work_mem\": \"4MB\"}]",
    "{\"\": \"x\"}",
    "{\"unheard_of\": \"x\"}",
    "{\"unheard.of\": \"x\"}",
    "{\"work_mem; DROP TABLE t\": \"4MB\"}",
    "{\"work_mem\\n\": \"4MB\"}",
    "{\"w\\u043erk_mem\": \"4MB\"}",
    "{\"work_mem\": [1]}",
    "{\"work_mem\": {\"a\": 1}}",
    "{\"work_mem\": \"\"}",
    "{\"work_mem\": \"much\"}",
    "{\"work_mem\": -1}",
    "{\"work_mem\": 1e30}",
    "{\"work_mem\": \"4MB\\n\"}",
    "{\"statement_timeout\": \"1 parsec\"}",
    "{\"enable_seqscan\": \"perhaps\"}",
    "{\"work_mem\": \"4MB\", \"unheard_of\": 1}",
    "{\"role\": \"postgres\"}",
    "{\"ROLE\": \"postgres\"}",
    "{\"role\": null}",
    "{\"session_authorization\": \"postgres\"}",
    "{\"is_superuser\": \"on\"}",
    "{\"local_preload_libraries\": \"x\"}",
    "{\"session_preload_libraries\": \"x\"}",
    "{\"Shared_Preload_Libraries\": \"x\"}",
    "{\"log_statement\": \"none\"}",
    "{\"max_connections\": \"5\"}",
    "{\"credential_manager.naming\": \"scalingo\"}",
    "{\"credential_manager.unheard_of\": \"x\"}",
];

#[test]
fn settings_that_nobody_may_set_for_a_credential_are_refused() {
    let mut scene = Scene::new();
    for settings in BAD_SETTINGS {
        scene.refused(
            &format!("configure('analyst', settings => '{settings}')"),
            "22023",
        );
    }
    for settings in [
        "jsonb_build_object(repeat('a', 20000000), 'x')",
        "jsonb_build_object('work_mem', repeat('a', 20000000))",
        "jsonb_build_object(repeat('a', 64), 'x')",
    ] {
        scene.refused(
            &format!("configure('analyst', settings => {settings})"),
            "22023",
        );
    }
    // One bad of two: the good one is not set either; and no limit that came with it.
    scene.refused(
        "configure('analyst', 7, '{\"statement_timeout\": \"30s\", \"work_mem\": \"much\"}')",
        "22023",
    );
}

#[test]
fn a_setting_is_refused_by_its_rule_even_where_a_superuser_might_set_it() {
    let mut scene = Scene::new();
    for settings in ["{\"log_statement\": \"none\"}", "{\"role\": \"stranger\"}"] {
        let said = scene.refused_to(
            Caller::Superuser,
            &format!("configure('analyst', settings => '{settings}')"),
            "22023",
        );
        assert!(said.contains("setting"), "{said}");
    }
}

#[test]
fn an_access_preset_is_one_of_three_words_wherever_it_is_asked_for() {
    let mut scene = Scene::new();
    for access in [
        "'READ_ONLY'",
        "''",
        "'sudo'",
        "repeat('a', 20000000)",
        "E'owner\\n'",
    ] {
        scene.refused(&format!("create('newcomer', {access})"), "22023");
        scene.refused(&format!("grant('analyst', {access})"), "22023");
        scene.refused(&format!("revoke('analyst', {access})"), "22023");
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_told_apart_from_a_credential() {
    let mut scene = Scene::new();
    for endpoint in [
        "''",
        "'LEADER'",
        "'leader '",
        "'replica'",
        "E'leader\\n'",
        "U&'l\\0435ader'",
        "repeat('a', 20000000)",
        "'o''brien'",
        "'default'",
    ] {
        for function in ["url", "connection_info"] {
            for name in ["default", "analyst"] {
                scene.refused(&format!("{function}('{name}', {endpoint})"), "42704");
            }
        }
    }
}

#[test]
fn a_job_that_is_not_there_or_is_over_cannot_be_cancelled() {
    let mut scene = Scene::new();
    for job in [
        "0",
        "-1",
        "4711",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        scene.refused(&format!("cancel_job({job})"), "42704");
    }
    let row = scene
        .own
        .query_one("SELECT job FROM credentials.repair_default()", &[]);
    let done: i64 = row.unwrap().get(0);
    scene.accepted(Caller::Superuser, "wait()");
    scene.refused(&format!("cancel_job({done})"), "42704");
}

#[test]
fn objects_of_unmanaged_roles_are_for_superusers_to_take() {
    let mut scene = Scene::new();
    scene.refused_to(
        Caller::Default,
        "repair_default(include_unmanaged => true)",
        "42501",
    );
    scene.refused_to(
        Caller::Default,
        "repair_plan(include_unmanaged => true)",
        "42501",
    );
    scene.accepted(Caller::Superuser, "repair_plan(include_unmanaged => true)");
}

#[test]
fn a_credential_cannot_inherit_from_itself() {
    let mut scene = Scene::new();
    scene.refused("destroy('analyst', 'app', 'analyst')", "22023");
    scene.refused("destroy_plan('analyst', 'analyst')", "22023");
}
