"""The app's first table, and the credential that the app works with."""

import json

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None

# What is to be: apply() does what is missing, and nothing where nothing is.
SPEC = {
    "credentials": {"web": {"access": {"public": "read_write"}}},
    "attachments": {"shop": {"DATABASE_URL": "web"}},
}


def upgrade():
    op.execute("CREATE TABLE IF NOT EXISTS public.orders (id bigint GENERATED ALWAYS AS IDENTITY, what text)")
    # A parameter: in a text of SQLAlchemy a colon can begin one.
    op.get_bind().execute(text("SELECT * FROM credentials.apply(CAST(:spec AS jsonb))"), {"spec": json.dumps(SPEC)})


def downgrade():
    op.execute("SELECT * FROM credentials.detach('DATABASE_URL', 'shop')")
    # Sessions end and objects move after the commit; the tables that web may have made stay, as default's.
    op.execute("SELECT * FROM credentials.destroy('web', confirm => current_database()::text)")
    op.execute("DROP TABLE public.orders")
