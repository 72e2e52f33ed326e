-- Verify shop:web on pg

SELECT 1 / count(*) FROM credentials.list() WHERE name = 'web' AND access @> '{"public": "read_write"}';
SELECT 1 / count(*) FROM credentials.attachments('shop') WHERE config_var = 'DATABASE_URL' AND name = 'web';
