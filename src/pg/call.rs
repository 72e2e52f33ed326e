//! The door between SQL and Rust: arguments by their SQL names, errors raised.
//!
//! Arguments are found by name and checked against the type that `pg_proc` declares, so that the
//! install script and the code cannot disagree silently.

use super::answer::give;
pub use super::answer::Answer;
use super::authority::Caller;
use super::value::{Span, Time, Value};
use super::{log, text, xact, Oid};
use crate::error::{Error, Kind, Result};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode};

/// One call of one of our functions.
pub struct Call {
    /// Its users, taken before anything else.
    pub caller: Caller,
    function: &'static str,
    /// The function that the server called.
    oid: Oid,
    arguments: Vec<(String, Value)>,
    /// Lists with a NULL among their elements.
    holed: Vec<String>,
}

impl Call {
    /// The function's name without its schema.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The function as the server knows it.
    pub fn oid(&self) -> Oid {
        self.oid
    }

    /// The first argument where it is a text: what the call acts on, for the record.
    pub fn target(&self) -> Option<&str> {
        match self.arguments.first() {
            Some((name, Value::Text(v))) if name != "password" && name != "confirm" => Some(v),
            _ => None,
        }
    }

    /// Whether the caller typed a password: then no message of this call may quote the statement.
    fn bears_password(&self) -> bool {
        matches!(self.value("password"), Ok(Value::Text(_)))
    }

    fn value(&self, name: &str) -> Result<&Value> {
        self.arguments
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v)
            .ok_or_else(|| Kind::Internal.error(format!("the function has no argument {name}")))
    }

    fn refuse_null<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| {
            Kind::BadArgument
                .error(format!("argument \"{name}\" must not be null"))
                .hint(format!("See \\df+ credentials.{}", self.function))
        })
    }
}

macro_rules! arguments {
    ($($name:ident, $maybe:ident, $variant:ident, $rust:ty;)*) => {
        impl Call {$(
            #[doc = concat!("The argument of that name as ", stringify!($variant), "; NULL is refused (22023).")]
            pub fn $name(&self, name: &str) -> Result<$rust> {
                let value = self.$maybe(name)?;
                self.refuse_null(name, value)
            }
            #[doc = concat!("The argument of that name as ", stringify!($variant), ", or nothing for NULL.")]
            pub fn $maybe(&self, name: &str) -> Result<Option<$rust>> {
                match self.value(name)? {
                    Value::$variant(v) => Ok(Some(v.clone())),
                    Value::Null(_) => Ok(None),
                    _ => Err(Kind::Internal.error(format!("argument {name} is of another type"))),
                }
            }
        )*}
    };
}

arguments! {
    text, maybe_text, Text, String;
    bool, maybe_bool, Bool, bool;
    int4, maybe_int4, Int4, i32;
    int8, maybe_int8, Int8, i64;
    time, maybe_time, Time, Time;
    span, maybe_span, Interval, Span;
    json, maybe_json, Json, serde_json::Value;
}

impl Call {
    /// The argument of that name as a list; NULL is refused (22023), and so is a NULL element.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        if self.holed.iter().any(|holed| holed == name) {
            return Err(Kind::BadArgument
                .error(format!("argument \"{name}\" must not have null elements"))
                .hint(format!("See \\df+ credentials.{}", self.function)));
        }
        match self.value(name)? {
            Value::TextArray(list) => Ok(list.clone()),
            _ => self.refuse_null(name, None),
        }
    }

    /// The argument of that name as a list, or nothing for NULL; a NULL element is refused (22023).
    pub fn maybe_texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        match self.value(name)? {
            Value::Null(_) => Ok(None),
            _ => self.texts(name).map(Some),
        }
    }
}

/// Runs `act` for a call that came through fmgr, and gives its answer to the executor.
///
/// # Safety
/// `fcinfo` must be the call that the server made, of a function whose result is as `act` answers.
pub unsafe fn enter(
    fcinfo: pg_sys::FunctionCallInfo,
    function: &'static str,
    act: impl FnOnce(&Call) -> Result<Answer>,
) -> pg_sys::Datum {
    // SAFETY: the caller vouches for fcinfo.
    let call = unsafe { read(fcinfo, function) }.unwrap_or_else(|e| raise(e));
    let context = call.bears_password().then(log::without_context);
    // SAFETY: as above.
    let answer = act(&call).and_then(|answer| unsafe { give(fcinfo, answer) });
    match answer {
        Ok(datum) => {
            context.into_iter().for_each(log::with_context);
            datum
        }
        Err(error) => raise(error),
    }
}

/// # Safety
/// As for [`enter`].
unsafe fn read(fcinfo: pg_sys::FunctionCallInfo, function: &'static str) -> Result<Call> {
    let caller = Caller::current();
    // SAFETY: flinfo is set by fmgr for a call through SQL; the arrays have nargs entries.
    unsafe {
        let flinfo = (*fcinfo).flinfo;
        if flinfo.is_null() {
            return Err(Kind::Internal.error("a call without its function"));
        }
        let declared = declared_arguments((*flinfo).fn_oid)?;
        let given = (*fcinfo).args.as_slice((*fcinfo).nargs as usize);
        if declared.len() != given.len() {
            return Err(Kind::Internal.error("a call with other arguments than declared"));
        }
        let mut arguments = Vec::with_capacity(given.len());
        let mut holed = Vec::new();
        for ((name, oid), arg) in declared.into_iter().zip(given) {
            if Value::has_null_element(arg.value, arg.isnull, oid) {
                holed.push(name.clone());
            }
            let value = Value::from_datum(arg.value, arg.isnull, oid)
                .ok_or_else(|| unreadable(&name, oid))?;
            arguments.push((name, value));
        }
        Ok(Call {
            caller,
            function,
            oid: (*flinfo).fn_oid,
            arguments,
            holed,
        })
    }
}

/// Why a value was not read: a document may hold what PostgreSQL can keep and nobody can use.
fn unreadable(name: &str, oid: Oid) -> Error {
    if oid != pg_sys::JSONBOID {
        return Kind::Internal.error("an argument of a type without a door");
    }
    Kind::BadArgument
        .error(format!("argument \"{name}\" cannot be read"))
        .detail("It goes more than 120 levels deep, or holds a number that is beyond all measure.")
}

/// The names and types of a function's input arguments, as `pg_proc` has them.
fn declared_arguments(function: Oid) -> Result<Vec<(String, Oid)>> {
    // SAFETY: the tuple is held between lookup and release; get_func_arg_info allocates copies, and
    // fills three arrays of `count` entries (modes may be null where all are IN).
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            pg_sys::Datum::from(function),
        );
        if tuple.is_null() {
            return Err(Kind::Internal.error("a call of a function that is not there"));
        }
        let (mut types, mut names, mut modes) = (
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        let count = pg_sys::get_func_arg_info(tuple, &mut types, &mut names, &mut modes);
        let mut out = Vec::with_capacity(count.max(0) as usize);
        for i in 0..count.max(0) as usize {
            let name = if names.is_null() {
                None
            } else {
                text::copy(*names.add(i))
            };
            out.push((name.unwrap_or_default(), *types.add(i)));
        }
        pg_sys::ReleaseSysCache(tuple);
        Ok(out)
    }
}

/// Raises an error to the server; does not return.
pub fn raise(error: Error) -> ! {
    let mut report = ErrorReport::new(
        sqlstate(error.kind()),
        error.message().to_owned(),
        "credential_manager",
    );
    if let Some(detail) = error.detail_text() {
        report = report.set_detail(detail);
    }
    if let Some(hint) = error.hint_text() {
        report = report.set_hint(hint);
    }
    report.report(PgLogLevel::ERROR);
    unreachable!("an error report at level ERROR does not return")
}

fn sqlstate(kind: Kind) -> PgSqlErrorCode {
    match kind {
        Kind::BadName => PgSqlErrorCode::ERRCODE_INVALID_NAME,
        Kind::ReservedName => PgSqlErrorCode::ERRCODE_RESERVED_NAME,
        Kind::Exists => PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
        Kind::NotFound => PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        Kind::NoSchema => PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME,
        Kind::LimitReached => PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
        Kind::Denied => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        Kind::BadArgument => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        Kind::InUse => PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
        Kind::Blocked => PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
        Kind::Timeout => PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
        Kind::ReadOnly => PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION,
        Kind::NotReady => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        Kind::ActiveTransaction => PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
        Kind::NotBuilt => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        Kind::Internal => PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
    }
}

/// Runs `act` and lets `seen` look at the server's error if one passes through; the error goes on.
///
/// `seen` gets the SQLSTATE, and must not ask the server for anything: what failed may still be held.
pub fn watching<T>(act: impl FnOnce() -> T, seen: impl Fn(&str)) -> T {
    let act = std::panic::AssertUnwindSafe(act);
    let seen = std::panic::AssertUnwindSafe(seen);
    pgrx::PgTryBuilder::new(move || {
        let act = act;
        (act.0)()
    })
    .catch_others(move |error| {
        let seen = &seen;
        (seen.0)(&xact::sqlstate(&error));
        error.rethrow()
    })
    .execute()
}

/// Exports SQL-callable functions, each `symbol => handler`, where the handler takes the symbol's
/// name and the call. The symbol in the library is `<symbol>_wrapper`.
#[macro_export]
macro_rules! export_functions {
    ($handler:path; $($symbol:ident)*) => {$(
        const _: () = {
            #[allow(unsafe_code)] // fmgr's calling convention (fmgr.h, PG_FUNCTION_INFO_V1).
            #[export_name = concat!("pg_finfo_", stringify!($symbol), "_wrapper")]
            pub extern "C" fn info() -> &'static pgrx::pg_sys::Pg_finfo_record {
                const V1: pgrx::pg_sys::Pg_finfo_record =
                    pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
                &V1
            }
            #[allow(unsafe_code)] // As above.
            #[export_name = concat!(stringify!($symbol), "_wrapper")]
            pub unsafe extern "C-unwind" fn function(
                fcinfo: pgrx::pg_sys::FunctionCallInfo,
            ) -> pgrx::pg_sys::Datum {
                // SAFETY: fmgr hands over the call that it made; the guard turns a panic into the
                // server's error.
                unsafe {
                    pgrx::pg_sys::panic::pgrx_extern_c_guard(|| {
                        $crate::pg::call::enter(fcinfo, stringify!($symbol), |call| $handler(call))
                    })
                }
            }
        };
    )*};
}
