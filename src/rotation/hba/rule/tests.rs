#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
use super::*;

const BASE: &str = "analyst";
const TWIN: &str = "analyst-rotating";
const NOWHERE: [i32; 0] = [];

/// `staff` has the role as a member, and so its twin; `/^an` and `/st$` are patterns.
fn stands_for(word: &str, name: &str) -> Result<bool> {
    Ok(match word {
        "+staff" | "+analyst" => [BASE, TWIN].contains(&name),
        "+analyst-rotating" => name == TWIN,
        "/^an" => name.starts_with("an"),
        "/st$" => name.ends_with("st"),
        _ => false,
    })
}

/// A line of pg_hba.conf in short: type, databases, users, address.
fn rule(line: i32, text: &str) -> Rule {
    let fields: Vec<&str> = text.split(' ').collect();
    let list = |field: &str| field.split(',').map(str::to_owned).collect();
    Rule {
        line,
        kind: fields[0].to_owned(),
        databases: list(fields[1]),
        users: list(fields[2]),
        address: fields.get(3).map(|a| (*a).to_owned()),
        netmask: None,
    }
}

fn found_for(base: &str, twin: &str, databases: &[&str], lines: &[&str]) -> Vec<Found> {
    let rules: Vec<Rule> = lines
        .iter()
        .zip(1..)
        .map(|(text, line)| rule(line, text))
        .collect();
    let names = Names {
        base,
        twin,
        databases: databases.to_vec(),
        stands_for: &stands_for,
    };
    otherwise(&rules, &names).unwrap()
}

/// The numbers of the lines that treat analyst and its twin otherwise.
fn lines(lines: &[&str]) -> Vec<i32> {
    found_for(BASE, TWIN, &[], lines)
        .iter()
        .map(|found| found.line)
        .collect()
}

#[test]
fn a_rule_for_one_of_the_names_alone_is_found_and_one_for_both_is_not() {
    for alone in [
        "analyst",
        "analyst,bob",
        "bob,analyst-rotating",
        "+analyst-rotating",
        "/st$",
    ] {
        assert_eq!(
            lines(&[&format!("host all {alone} 10.0.0.1")]),
            [1],
            "{alone}"
        );
    }
    for both in [
        "all",
        "analyst,analyst-rotating",
        "analyst,all",
        "bob",
        "Analyst",
        "analyst2",
        "+staff",
        "+analyst",
        "+strangers",
        "analyst,+staff",
        "/^an",
        "analyst,/^an",
    ] {
        assert_eq!(
            lines(&[&format!("host all {both} 10.0.0.1")]),
            NOWHERE,
            "{both}"
        );
    }
}

#[test]
fn every_such_rule_is_found_with_its_number_and_the_name_that_it_is_for() {
    let found = found_for(
        BASE,
        TWIN,
        &[],
        &[
            "local all postgres",
            "host app analyst 10.0.0.1",
            "host app bob 10.0.0.1",
            "host x,y analyst-rotating 10.0.0.1",
            "host all all 10.0.0.1",
        ],
    );
    let of = |line, meets_base| Found {
        line,
        meets_base,
        by_database: None,
    };
    assert_eq!(found, [of(2, true), of(4, false)]);
}

#[test]
fn rules_for_replication_do_not_count() {
    assert_eq!(lines(&["host replication analyst 10.0.0.1"]), NOWHERE);
    assert_eq!(lines(&["host replication,app analyst 10.0.0.1"]), [1]);
}

#[test]
fn sameuser_counts_where_a_database_has_the_name_and_samerole_treats_them_alike() {
    assert_eq!(lines(&["local sameuser all"]), NOWHERE);
    let found = found_for(BASE, TWIN, &[BASE], &["local sameuser all"]);
    assert_eq!(
        found,
        [Found {
            line: 1,
            meets_base: true,
            by_database: Some(BASE.to_owned())
        }]
    );
    assert_eq!(found_for(BASE, TWIN, &[BASE], &["local samerole all"]), []);
    assert!(!found_for(BASE, TWIN, &[TWIN], &["local sameuser all"])[0].meets_base);
    // Another database than their own: the rule is for neither.
    assert_eq!(found_for(BASE, TWIN, &["app"], &["local sameuser all"]), []);
    // The user column tells them apart in databases of their groups.
    assert_eq!(lines(&["local samerole analyst"]), [1]);
}

#[test]
fn what_the_error_says_to_write_mends_sameuser() {
    let mended = [
        "local analyst analyst,analyst-rotating",
        "local sameuser all",
    ];
    assert_eq!(found_for(BASE, TWIN, &[BASE], &mended), []);
}

#[test]
fn a_rule_that_an_earlier_one_leaves_nothing_to_decide_does_not_count() {
    let exact = "hostssl app analyst 10.0.0.1";
    for earlier in [
        "host all all 10.0.0.1",
        "hostssl app +staff all",
        "host app,b all 10.0.0.1",
    ] {
        assert_eq!(lines(&[earlier, exact]), NOWHERE, "{earlier}");
    }
    for earlier in [
        "hostnossl all all 10.0.0.1",
        "local all all",
        "host b all 10.0.0.1",
        "host sameuser all 10.0.0.1",
        "host samerole all 10.0.0.1",
        "host all bob 10.0.0.1",
        "host all all 10.0.0.2",
    ] {
        assert_eq!(lines(&[earlier, exact]), [2], "{earlier}");
    }
    assert_eq!(lines(&[exact, "host all all 10.0.0.1"]), [1]);
}

#[test]
fn a_role_whose_name_is_a_word_of_the_file_is_refused_until_its_twin_is_named() {
    // The view shows `all` and `"all"` alike, and `+staff` and `"+staff"`.
    for name in ["all", "+staff"] {
        let twin = format!("{name}-rotating");
        let line = format!("host all {name} 10.0.0.1");
        assert_eq!(found_for(name, &twin, &[], &[&line]).len(), 1, "{name}");
        let both = format!("host all {name},{twin} 10.0.0.1");
        assert_eq!(found_for(name, &twin, &[], &[&both]), [], "{name}");
    }
}
