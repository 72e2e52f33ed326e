"""Logs in with each URL on stdin as each Python client does it, and prints who it is.

Stdin is a list of URLs in JSON. A line of stdout is {"client", "url" (its number), "seen": [current_user,
session_user, current_database, 1]}, or "error" in place of "seen".
"""

import asyncio
import json
import sys

import asyncpg
import psycopg
import sqlalchemy
from sqlalchemy.pool import NullPool

WHO = "SELECT current_user::text, session_user::text, current_database()::text, 1"


def with_psycopg(url):
    with psycopg.connect(url, connect_timeout=20) as connection:
        return list(connection.execute(WHO).fetchone())


def with_asyncpg(url):
    async def ask():
        connection = await asyncpg.connect(url, timeout=20)
        try:
            return list(await connection.fetchrow(WHO))
        finally:
            await connection.close()

    return asyncio.run(ask())


def with_sqlalchemy(url):
    # SQLAlchemy names its driver in the scheme, and knows no postgres://.
    url = url.replace("postgres://", "postgresql+psycopg://", 1)
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.execute(sqlalchemy.text(WHO)).one())


CLIENTS = {
    "psycopg": with_psycopg,
    "asyncpg": with_asyncpg,
    "SQLAlchemy": with_sqlalchemy,
}

for number, url in enumerate(json.load(sys.stdin)):
    for client, ask in CLIENTS.items():
        answer = {"client": client, "url": number}
        try:
            answer["seen"] = ask(url)
        except Exception as error:
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)
