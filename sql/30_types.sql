-- Results. Named types can grow in an upgrade while views over the functions live on.

CREATE TYPE credentials.made AS (name text, username text, state text, password text);
CREATE TYPE credentials.setup_step AS (step integer, action text, object text, note text);
CREATE TYPE credentials.configuration AS (name text, connection_limit integer, settings jsonb);
CREATE TYPE credentials.status AS (name text, state text);
CREATE TYPE credentials.identity AS (name text, username text, state text);
CREATE TYPE credentials.released AS (name text, username text);
CREATE TYPE credentials.resealed AS (name text);
CREATE TYPE credentials.order_placed AS (name text, state text, job bigint);
CREATE TYPE credentials.ownership_step AS (step integer, database text, kind text, object text, action text, note text);
CREATE TYPE credentials.rotation AS (name text, username text, state text, deadline timestamptz, password text);
CREATE TYPE credentials.new_password AS (name text, password text);
CREATE TYPE credentials.lease AS (name text, valid_until timestamptz);
CREATE TYPE credentials.job_state AS (job bigint, state text);
CREATE TYPE credentials.listed AS (
  name text, username text, state text, attachments text[], access jsonb, read_only boolean,
  protected boolean, connections integer, connection_limit integer, password_encryption text,
  valid_until timestamptz, created_at timestamptz, rotated_at timestamptz, last_login_at timestamptz);
CREATE TYPE credentials.username AS (
  name text, username text, state text, connections integer, oldest_connection timestamptz);
CREATE TYPE credentials.connection AS (
  name text, username text, host text, port integer, database text, sslmode text,
  conninfo text, url text, jdbc_url text);
CREATE TYPE credentials.job_report AS (
  job bigint, kind text, name text, database text, state text, done bigint, total bigint,
  started_at timestamptz, updated_at timestamptz, eta timestamptz, message text);
CREATE TYPE credentials.event_report AS (
  id bigint, at timestamptz, action text, name text, app text, effective_role text,
  outer_role text, session_role text, client_addr inet, application_name text, detail jsonb);
CREATE TYPE credentials.access_given AS (name text, schema text, access text, was text);
CREATE TYPE credentials.access_taken AS (name text, schema text, was text);
CREATE TYPE credentials.table_privilege AS (
  user_name text, schema_name text, table_name text, relkind "char", privilege_types text[]);
CREATE TYPE credentials.schema_privilege AS (user_name text, schema_name text, privilege_types text[]);
CREATE TYPE credentials.reason AS (name text, step integer, via text, detail text);
CREATE TYPE credentials.plan_step AS (step integer, action text, object text, statement text);
CREATE TYPE credentials.applied_step AS (step integer, action text, object text, statement text, password text);
CREATE TYPE credentials.finding AS (severity text, code text, object text, finding text, remedy text);
CREATE TYPE credentials.installed_extension AS (extension text, schema text, version text);
CREATE TYPE credentials.attached AS (app text, config_var text, name text, endpoint text);
CREATE TYPE credentials.detached AS (app text, config_var text, name text);
CREATE TYPE credentials.attachment_report AS (app text, config_var text, name text, endpoint text, attached_at timestamptz);
CREATE TYPE credentials.config_var AS (config_var text, value text);
CREATE TYPE credentials.server_endpoint AS (endpoint text, host text, port integer, sslmode text);
CREATE TYPE credentials.collaboration AS (collaborator text, app text, permissions text[]);
CREATE TYPE credentials.pooler_login AS (username text, password text);
CREATE TYPE credentials.metric AS (metric text, labels jsonb, value double precision);
