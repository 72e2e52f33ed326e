//! The functions of SPEC section 3 that are built so far, copied by hand: the oracle of the tests beside it.

/// One function as a caller knows it.
pub struct Promise {
    /// Its name in schema `credentials`.
    pub name: &'static str,
    /// Arguments as the server prints them, types and defaults included.
    pub arguments: &'static str,
    /// Result columns in order with their types, or the type alone where the result is a bare value.
    pub result: &'static str,
    /// Superusers alone may call it.
    pub superuser: bool,
}

const fn of(name: &'static str, arguments: &'static str, result: &'static str) -> Promise {
    Promise {
        name,
        arguments,
        result,
        superuser: false,
    }
}

const fn su(name: &'static str, arguments: &'static str, result: &'static str) -> Promise {
    Promise {
        name,
        arguments,
        result,
        superuser: true,
    }
}

/// Every function that is built.
pub const PROMISES: [Promise; 51] = [
    su(
        "setup",
        "default_role text DEFAULT NULL::text",
        "name text, username text, state text, password text",
    ),
    su(
        "setup_plan",
        "default_role text DEFAULT NULL::text",
        "step integer, action text, object text, note text",
    ),
    of(
        "create",
        "name text, access text DEFAULT NULL::text, schemas text[] DEFAULT '{public}'::text[], \
         valid_for interval DEFAULT NULL::interval, connection_limit integer DEFAULT NULL::integer, \
         login boolean DEFAULT true, if_not_exists boolean DEFAULT false, password text DEFAULT NULL::text",
        "name text, username text, state text, password text",
    ),
    of(
        "configure",
        "name text, connection_limit integer DEFAULT NULL::integer, settings jsonb DEFAULT NULL::jsonb",
        "name text, connection_limit integer, settings jsonb",
    ),
    of("suspend", "name text", "name text, state text"),
    of("resume", "name text", "name text, state text"),
    su(
        "adopt",
        "role text, name text DEFAULT NULL::text",
        "name text, username text, state text",
    ),
    su("release", "name text", "name text, username text"),
    su("claim", "confirm text", "name text, username text, state text"),
    of(
        "destroy",
        "name text, confirm text DEFAULT NULL::text, reassign_to text DEFAULT 'default'::text",
        "name text, state text, job bigint",
    ),
    of(
        "destroy_plan",
        "name text, reassign_to text DEFAULT 'default'::text",
        "step integer, database text, kind text, object text, action text, note text",
    ),
    of(
        "rotate",
        "name text DEFAULT 'default'::text, force boolean DEFAULT false, \
         grace interval DEFAULT NULL::interval, overlap interval DEFAULT NULL::interval",
        "name text, username text, state text, deadline timestamp with time zone, password text",
    ),
    of(
        "rotate_all",
        "force boolean DEFAULT false, grace interval DEFAULT NULL::interval, \
         overlap interval DEFAULT NULL::interval, older_than interval DEFAULT NULL::interval",
        "name text, username text, state text, deadline timestamp with time zone, password text",
    ),
    of(
        "set_password",
        "name text, password text DEFAULT NULL::text",
        "name text, password text",
    ),
    of(
        "extend",
        "name text, valid_for interval",
        "name text, valid_until timestamp with time zone",
    ),
    of(
        "repair_default",
        "include_unmanaged boolean DEFAULT false, keep_access boolean DEFAULT false",
        "name text, state text, job bigint",
    ),
    of(
        "repair_plan",
        "include_unmanaged boolean DEFAULT false",
        "step integer, database text, kind text, object text, action text, note text",
    ),
    of("cancel_job", "job bigint", "job bigint, state text"),
    of(
        "wait",
        "name text DEFAULT NULL::text, timeout interval DEFAULT '00:05:00'::interval",
        "name text, state text",
    ),
    su("reseal", "", "name text"),
    of(
        "list",
        "",
        "name text, username text, state text, attachments text[], access jsonb, read_only boolean, \
         protected boolean, connections integer, connection_limit integer, password_encryption text, \
         valid_until timestamp with time zone, created_at timestamp with time zone, \
         rotated_at timestamp with time zone, last_login_at timestamp with time zone",
    ),
    of(
        "usernames",
        "name text DEFAULT NULL::text",
        "name text, username text, state text, connections integer, \
         oldest_connection timestamp with time zone",
    ),
    of(
        "url",
        "name text DEFAULT 'default'::text, endpoint text DEFAULT 'leader'::text",
        "text",
    ),
    of(
        "connection_info",
        "name text DEFAULT 'default'::text, endpoint text DEFAULT 'leader'::text",
        "name text, username text, host text, port integer, database text, sslmode text, \
         conninfo text, url text, jdbc_url text",
    ),
    of(
        "jobs",
        "",
        "job bigint, kind text, name text, database text, state text, done bigint, total bigint, \
         started_at timestamp with time zone, updated_at timestamp with time zone, \
         eta timestamp with time zone, message text",
    ),
    of(
        "events",
        "name text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, \
         after bigint DEFAULT NULL::bigint",
        "id bigint, at timestamp with time zone, action text, name text, app text, effective_role text, \
         outer_role text, session_role text, client_addr inet, application_name text, detail jsonb",
    ),
    of(
        "grant",
        "name text, access text, schemas text[] DEFAULT '{public}'::text[]",
        "name text, schema text, access text, was text",
    ),
    of(
        "revoke",
        "name text, access text DEFAULT NULL::text, schemas text[] DEFAULT '{public}'::text[]",
        "name text, schema text, was text",
    ),
    of(
        "table_privileges",
        "name text DEFAULT NULL::text",
        "user_name text, schema_name text, table_name text, relkind \"char\", privilege_types text[]",
    ),
    of(
        "schema_privileges",
        "name text DEFAULT NULL::text",
        "user_name text, schema_name text, privilege_types text[]",
    ),
    of(
        "why",
        "object text, privilege text DEFAULT 'SELECT'::text, name text DEFAULT NULL::text",
        "name text, step integer, via text, detail text",
    ),
    of(
        "layout",
        "kind text, app text, schema text DEFAULT NULL::text, environment text DEFAULT NULL::text",
        "jsonb",
    ),
    of(
        "plan",
        "spec jsonb",
        "step integer, action text, object text, statement text",
    ),
    of(
        "apply",
        "spec jsonb",
        "step integer, action text, object text, statement text, password text",
    ),
    of("export", "", "jsonb"),
    of(
        "check",
        "",
        "severity text, code text, object text, finding text, remedy text",
    ),
    of("diagram", "", "text"),
    of(
        "install_extension",
        "extension text, schema text DEFAULT NULL::text, version text DEFAULT NULL::text",
        "extension text, schema text, version text",
    ),
    of("attach", "name text, app text, as_name text DEFAULT NULL::text, endpoint text DEFAULT 'leader'::text", "app text, config_var text, name text, endpoint text"),
    of("detach", "config_var text, app text", "app text, config_var text, name text"),
    of("attachments", "app text DEFAULT NULL::text", "app text, config_var text, name text, endpoint text, attached_at timestamp with time zone"),
    of("config_vars", "app text", "config_var text, value text"),
    of("set_endpoint", "endpoint text, host text, port integer DEFAULT 5432, sslmode text DEFAULT 'require'::text", "endpoint text, host text, port integer, sslmode text"),
    of("drop_endpoint", "endpoint text", "endpoint text, host text, port integer, sslmode text"),
    of("endpoints", "", "endpoint text, host text, port integer, sslmode text"),
    of("add_collaborator", "collaborator text, app text, permissions text[]", "collaborator text, app text, permissions text[]"),
    of("update_collaborator", "collaborator text, app text, permissions text[]", "collaborator text, app text, permissions text[]"),
    of("remove_collaborator", "collaborator text, app text", "collaborator text, app text, permissions text[]"),
    of("collaborators", "app text DEFAULT NULL::text", "collaborator text, app text, permissions text[]"),
    of("pgbouncer_auth", "username text", "username text, password text"),
    of("metrics", "", "metric text, labels jsonb, value double precision"),
];

/// The settings that every function runs with (THREATS T44), as the server keeps them.
pub const PINNED: [&str; 9] = [
    "DateStyle=ISO, MDY",
    "IntervalStyle=postgres",
    "bytea_output=hex",
    "lock_timeout=5s",
    "quote_all_identifiers=off",
    "row_security=on",
    "search_path=pg_catalog, pg_temp",
    "standard_conforming_strings=on",
    "transform_null_equals=off",
];
