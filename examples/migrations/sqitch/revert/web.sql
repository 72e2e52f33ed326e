-- Revert shop:web from pg

BEGIN;

SELECT * FROM credentials.detach('DATABASE_URL', 'shop');
-- Sessions end and objects move after the commit; the tables that web may have made stay, as default's.
SELECT * FROM credentials.destroy('web', confirm => current_database()::text);
DROP TABLE public.orders;

COMMIT;
