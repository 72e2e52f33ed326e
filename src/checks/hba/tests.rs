//! Lines as people write them, and what is told of them.

use super::*;

fn rule(kind: &str, address: &str, mask: &str, method: &str) -> HbaRule {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    HbaRule {
        line: 1,
        kind: some(kind),
        address: some(address),
        netmask: some(mask),
        method: some(method),
        error: None,
    }
}

fn codes(rule: &HbaRule) -> Vec<&'static str> {
    let file = file("");
    let mut codes: Vec<_> = of_line(rule, &file)
        .iter()
        .map(|f| f.code.as_str())
        .collect();
    codes.sort_unstable();
    codes
}

fn file(text: &str) -> File {
    File {
        path: "/etc/pg_hba.conf".to_owned(),
        text: text.to_owned(),
        shown: true,
    }
}

#[test]
fn each_fault_of_a_line_is_told_and_no_other() {
    for (kind, address, mask, method, wanted) in [
        ("local", "", "", "peer", &[][..]),
        ("local", "", "", "scram-sha-256", &[]),
        ("local", "", "", "trust", &["hba_trust"]),
        ("host", "127.0.0.1", "255.255.255.255", "scram-sha-256", &[]),
        ("host", "127.0.0.0", "255.0.0.0", "scram-sha-256", &[]),
        (
            "host",
            "127.0.0.0",
            "254.0.0.0",
            "scram-sha-256",
            &["hba_no_tls"],
        ),
        (
            "host",
            "::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "md5",
            &["hba_md5"],
        ),
        ("host", "samehost", "", "scram-sha-256", &[]),
        ("host", "samenet", "", "scram-sha-256", &["hba_no_tls"]),
        (
            "host",
            "db.example.com",
            "",
            "scram-sha-256",
            &["hba_no_tls"],
        ),
        ("hostssl", "10.0.0.0", "255.0.0.0", "scram-sha-256", &[]),
        ("hostssl", "10.0.0.0", "255.0.0.0", "cert", &[]),
        ("hostgssenc", "10.0.0.0", "255.0.0.0", "gss", &[]),
        (
            "hostnossl",
            "10.0.0.0",
            "255.0.0.0",
            "scram-sha-256",
            &["hba_no_tls"],
        ),
        (
            "hostssl",
            "0.0.0.0",
            "0.0.0.0",
            "scram-sha-256",
            &["hba_all_addresses"],
        ),
        (
            "hostssl",
            "::",
            "::",
            "scram-sha-256",
            &["hba_all_addresses"],
        ),
        (
            "host",
            "all",
            "",
            "password",
            &["hba_all_addresses", "hba_no_tls", "hba_password"],
        ),
        ("host", "all", "", "reject", &[]),
        ("hostssl", "10.0.0.0", "255.0.0.0", "ident", &["hba_trust"]),
    ] {
        assert_eq!(
            codes(&rule(kind, address, mask, method)),
            wanted,
            "{kind} {address} {method}"
        );
    }
}

/// The line that is to be written for the first line of a file.
fn written(line: &str, rule: &HbaRule) -> String {
    let file = file(line);
    let told = of_line(rule, &file);
    told[0].remedy.clone()
}

#[test]
fn one_line_mends_all_that_is_wrong_with_a_line() {
    let faulty = rule("host", "0.0.0.0", "0.0.0.0", "md5");
    let told = of_line(&faulty, &file("host all all 0.0.0.0/0 md5"));
    assert_eq!(told.len(), 3);
    for finding in told {
        assert_eq!(
            finding.remedy,
            "-- Line 1 of /etc/pg_hba.conf becomes:\n-- hostssl all all samenet scram-sha-256\nSELECT pg_catalog.pg_reload_conf();"
        );
    }
}

#[test]
fn names_stay_as_they_are_written_whatever_is_in_them() {
    let local = rule("local", "", "", "trust");
    for (line, wanted) in [
        ("local all all trust # why not", "local all all peer"),
        (
            "local \"all\", \"a # b\"  \"x\"\"y\" trust",
            "local \"all\",\"a # b\" \"x\"\"y\" peer",
        ),
        ("local\tall\\\n  all trust", "local all all peer"),
    ] {
        assert!(
            written(line, &local).contains(&format!("\n-- {wanted}\n")),
            "{}",
            written(line, &local)
        );
    }
    let masked = rule("host", "10.0.0.0", "255.0.0.0", "md5");
    let wanted = "-- hostssl a b 10.0.0.0 255.0.0.0 scram-sha-256\n";
    assert!(written("host a b 10.0.0.0 255.0.0.0 md5", &masked).contains(wanted));
}

#[test]
fn a_line_with_options_or_not_to_be_shown_is_told_in_words() {
    let ldap = rule("host", "10.0.0.0", "255.0.0.0", "ldap");
    let line = "host all all 10.0.0.0/8 ldap ldapbindpasswd=\"very secret\"";
    let words =
        "-- In line 1 of /etc/pg_hba.conf write hostssl for host.\nSELECT pg_catalog.pg_reload_conf();";
    assert_eq!(written(line, &ldap), words);
    let hidden = File {
        shown: false,
        ..file("host all all all trust")
    };
    let told = of_line(&rule("host", "all", "", "trust"), &hidden);
    assert!(told[0].remedy.starts_with("-- In line 1 of /etc/pg_hba.conf write hostssl for host, samenet for the address, scram-sha-256 for trust.\n"));
}

#[test]
fn a_line_that_cannot_be_read_is_told() {
    let broken = HbaRule {
        line: 3,
        error: Some("invalid connection type \"hots\"".to_owned()),
        ..HbaRule::default()
    };
    assert_eq!(of_line(&broken, &file(""))[0].code, Code::HbaError);
    // A line for TLS where TLS is off is understood, and lets nobody in.
    let no_tls = HbaRule {
        error: Some("hostssl record cannot match because SSL is disabled".to_owned()),
        ..rule("hostssl", "10.0.0.0", "255.0.0.0", "scram-sha-256")
    };
    assert!(codes(&no_tls).is_empty());
}
