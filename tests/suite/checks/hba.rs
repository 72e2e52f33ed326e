//! Lines of pg_hba.conf, edited as the remedy says.

use std::fs;

use super::{about, by_hand, findings, gone, mend, rewrite, the, Finding};
use crate::harness::Cluster;
use crate::scene::{ask, Scene};

/// A cluster whose pg_hba.conf begins with this line.
fn with(line: &str) -> Scene {
    Scene::on(Cluster::builder().hba(line).start())
}

/// The first line of the file now.
fn first_line(scene: &Scene) -> String {
    let text = fs::read_to_string(scene.cluster.data_dir().join("pg_hba.conf")).expect("the file");
    text.lines().next().unwrap_or_default().to_owned()
}

const LINE: &str = "line 1 of pg_hba.conf";

/// The codes of the first line's findings.
fn codes(found: &[Finding]) -> Vec<(&str, &str)> {
    let of_line = found.iter().filter(|f| f.object == LINE);
    of_line
        .map(|f| (f.code.as_str(), f.severity.as_str()))
        .collect()
}

#[test]
fn each_fault_of_a_line_is_found_and_one_line_mends_them_all() {
    // The file is judged as it is, whether the server has read it yet or not.
    let mut scene = with("local nobody all peer");
    let file = scene
        .cluster
        .data_dir()
        .join("pg_hba.conf")
        .display()
        .to_string();
    for (line, wanted, better) in [
        (
            "local nobody all trust",
            vec![("hba_trust", "high")],
            "local nobody all peer",
        ),
        (
            "host nobody \"o\"\"dd, one\",all 127.0.0.1/32 password",
            vec![("hba_password", "high")],
            "host nobody \"o\"\"dd, one\",all 127.0.0.1/32 scram-sha-256",
        ),
        (
            "host nobody all 0.0.0.0/0 md5",
            vec![
                ("hba_no_tls", "high"),
                ("hba_all_addresses", "medium"),
                ("hba_md5", "medium"),
            ],
            "hostssl nobody all samenet scram-sha-256",
        ),
        (
            "host nobody all 10.0.0.0 255.0.0.0 scram-sha-256",
            vec![("hba_no_tls", "high")],
            "hostssl nobody all 10.0.0.0 255.0.0.0 scram-sha-256",
        ),
        ("hots nobody all", vec![("hba_error", "high")], ""),
    ] {
        rewrite(&file, 1, |_| line.to_owned());
        let mut found = findings(&mut scene.su);
        found.sort_by(|a, b| (&a.severity, &a.code).cmp(&(&b.severity, &b.code)));
        let mut told = codes(&found);
        let mut wanted = wanted;
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{line}");
        let remedy = found
            .iter()
            .find(|f| f.object == LINE)
            .expect("a finding")
            .remedy
            .clone();
        mend(&scene.cluster, &remedy);
        assert_eq!(first_line(&scene), better, "{line}");
        for (code, _) in wanted {
            gone(&mut scene.su, code, LINE);
        }
        let broken =
            "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL AND type IS NULL";
        assert_eq!(ask(&mut scene.su, broken), "0");
    }
}

#[test]
fn default_is_told_what_to_write_and_sees_neither_the_line_nor_its_options() {
    let secret = "an-ldap-bind-password";
    let mut scene = with(&format!(
        "host nobody all 10.9.8.0/24 ldap ldapserver=x ldapprefix=y ldapsuffix=\"{secret}\""
    ));
    for client in [&mut scene.own, &mut scene.su] {
        let found = the(client, "hba_no_tls", LINE);
        assert!(!format!("{found:?}").contains(secret), "{found:?}");
    }
    let found = the(&mut scene.own, "hba_no_tls", LINE);
    assert!(!format!("{found:?}").contains("10.9.8.0"), "{found:?}");
    mend(&scene.cluster, &found.remedy);
    assert!(
        first_line(&scene).starts_with("hostssl nobody all 10.9.8.0/24 ldap ")
            && first_line(&scene).contains(secret)
    );
    gone(&mut scene.su, "hba_no_tls", LINE);
}

#[test]
fn a_line_of_the_words_alone_mends_as_well_as_the_whole_line() {
    let mut scene = with("host nobody all all password");
    let found = the(&mut scene.own, "hba_all_addresses", LINE);
    assert!(!found.remedy.contains("nobody"), "{found:?}");
    by_hand(&found.remedy);
    assert_eq!(
        first_line(&scene),
        "hostssl nobody all samenet scram-sha-256"
    );
    for code in ["hba_all_addresses", "hba_password", "hba_no_tls"] {
        gone(&mut scene.own, code, LINE);
    }
}

#[test]
fn a_line_that_lets_nobody_in_or_comes_from_here_is_no_finding() {
    let mut scene = with("local nobody all peer");
    let file = scene
        .cluster
        .data_dir()
        .join("pg_hba.conf")
        .display()
        .to_string();
    for line in [
        "host all nobody all reject",
        "host nobody all samehost scram-sha-256",
        "host nobody all ::1/128 scram-sha-256",
        "hostssl nobody all 10.0.0.0/8 scram-sha-256",
        "local nobody all peer",
    ] {
        rewrite(&file, 1, |_| line.to_owned());
        let found = findings(&mut scene.su);
        assert_eq!(codes(&found), [], "{line}");
        assert!(about(&mut scene.su, "hba_error", LINE).is_empty());
    }
}
