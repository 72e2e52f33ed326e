\echo Use "CREATE EXTENSION credential_manager" to load this file. \quit

-- The one home of a cluster: two databases that manage the same roles would undo each other's work.
DO LANGUAGE plpgsql $home$
BEGIN
  IF pg_catalog.current_setting('credential_manager.database', true) IS NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = '55000',
      MESSAGE = 'credential_manager is not preloaded',
      DETAIL = 'Its settings, its worker and its checks exist only where the server starts with the library.',
      HINT = pg_catalog.format('Set shared_preload_libraries = ''credential_manager'' and credential_manager.database = %L in postgresql.conf, restart the server, then CREATE EXTENSION again.', pg_catalog.current_database());
  END IF;
  IF NOT (pg_catalog.current_setting('credential_manager.database')
          OPERATOR(pg_catalog.=) (pg_catalog.current_database())::pg_catalog.text) THEN
    RAISE EXCEPTION USING
      ERRCODE = '55000',
      MESSAGE = 'credential_manager works only in its home database',
      DETAIL = pg_catalog.format('Roles belong to the whole cluster, so one database manages them: %I.', pg_catalog.current_setting('credential_manager.database')),
      HINT = pg_catalog.format('Connect to it, or set shared_preload_libraries = ''credential_manager'' and credential_manager.database = %L in postgresql.conf and restart the server.', pg_catalog.current_database());
  END IF;
END
$home$;

-- Fails where the schema is there already: somebody else's schema could hold somebody else's code.
CREATE SCHEMA credentials;
COMMENT ON SCHEMA credentials IS 'Managed login credentials: see \df+ credentials.*';
