use super::*;

#[test]
fn a_list_of_one_schema_reads_back_as_that_schema() {
    for (name, text) in [
        ("shop", "{shop}"),
        ("*", "{*}"),
        ("null", "{\"null\"}"),
        ("NULL", "{\"NULL\"}"),
        ("a b", "{\"a b\"}"),
        ("a,b", "{\"a,b\"}"),
        ("a\"b\\c", "{\"a\\\"b\\\\c\"}"),
    ] {
        assert_eq!(list(name), text);
    }
}

#[test]
fn rights_on_a_column_are_taken_with_its_name() {
    assert_eq!(columned(rights::SELECT, Some("id")), "SELECT (id)");
    let two = rights::SELECT | rights::UPDATE;
    assert_eq!(
        columned(two, Some("Id")),
        "SELECT (\"Id\"), UPDATE (\"Id\")"
    );
    assert_eq!(
        columned(rights::USAGE | rights::CREATE, None),
        "USAGE, CREATE"
    );
}
