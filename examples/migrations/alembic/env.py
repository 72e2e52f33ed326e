"""Runs the migrations as the default credential, over the URL in DATABASE_URL."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

# SQLAlchemy names its driver in the scheme, and knows no postgres://.
url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://", 1)

with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    # Where the table of versions is must not hang on a search_path.
    context.configure(connection=connection, version_table_schema="public", transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
