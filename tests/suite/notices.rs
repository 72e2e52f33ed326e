//! What a person needs next is said in a NOTICE, and only where it is so.

use crate::harness::Cluster;

/// What psql says to one statement of a superuser.
#[track_caller]
fn ask(cluster: &Cluster, statement: &str) -> String {
    let output = cluster.psql(&["-c", statement], "");
    let said = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    assert!(output.status.success(), "{statement}\n{said}");
    said
}

#[test]
fn without_a_key_file_a_notice_says_that_a_password_is_shown_once_and_only_where_one_is_shown() {
    let cluster = Cluster::builder().key_file(false).start();
    let once = "the password is shown here and nowhere else";
    let chosen = "password => 'a typed password of 40 characters.'";
    ask(&cluster, "CREATE EXTENSION credential_manager");
    let answers = [
        (
            "SELECT state FROM credentials.setup('app_owner')".to_owned(),
            true,
        ),
        ("SELECT state FROM credentials.create('a')".to_owned(), true),
        (
            format!("SELECT state FROM credentials.create('b', {chosen})"),
            false,
        ),
    ];
    for (statement, shown) in answers {
        let said = ask(&cluster, &statement);
        assert_eq!(said.contains(once), shown, "{statement}\n{said}");
    }
    let said = ask(
        &cluster,
        &format!("SELECT name FROM credentials.set_password('a', {chosen})"),
    );
    assert!(!said.contains("NOTICE"), "{said}");
    let said = ask(
        &cluster,
        "SELECT state FROM credentials.create('c', login => false)",
    );
    assert!(said.contains("credentials.resume('c')"), "{said}");
}
