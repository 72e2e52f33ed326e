//! What a refused statement has to look like.

use postgres::{Client, Error};

/// The five characters of an error's SQLSTATE; empty where the error did not come from the server.
pub fn sqlstate(error: &Error) -> String {
    error
        .code()
        .map(|code| code.code().to_owned())
        .unwrap_or_default()
}

/// Runs `sql` and asserts that the server refuses it with `state`, in less than 1 kB of message, detail and hint
/// together. Returns the error for what else a test wants to know.
#[track_caller]
pub fn expect_error(client: &mut Client, sql: &str, state: &str) -> Error {
    let shown: String = sql.chars().take(200).collect();
    let error = match client.batch_execute(sql) {
        Ok(()) => panic!("accepted, {state} expected: {shown}"),
        Err(error) => error,
    };
    let Some(db) = error.as_db_error() else {
        panic!("no answer of the server, {state} expected: {shown}: {error}");
    };
    assert_eq!(
        db.code().code(),
        state,
        "{shown}: {} / {:?} / {:?}",
        db.message(),
        db.detail(),
        db.hint()
    );
    let size = db.message().len() + db.detail().map_or(0, str::len) + db.hint().map_or(0, str::len);
    assert!(size < 1024, "an error of {size} bytes: {shown}");
    error
}
