-- Deploy shop:web to pg

BEGIN;

CREATE TABLE IF NOT EXISTS public.orders (id bigint GENERATED ALWAYS AS IDENTITY, what text);

SELECT name, username, state FROM credentials.create('web', if_not_exists => true);
SELECT * FROM credentials.grant('web', 'read_write');
-- A variable that is taken would be an error (42710): only where the app has none yet.
SELECT credentials.attach('web', 'shop', as_name => 'DATABASE')
 WHERE NOT EXISTS (SELECT FROM credentials.attachments('shop') WHERE config_var = 'DATABASE_URL');

COMMIT;
