#!/usr/bin/env python3
"""Keeps the config variables of an app in a file, and has the app read it anew when they change.

    CREDENTIALS_URL=postgres://shop_agent:…@db.example.com/app \\
      python3 agent.py --app shop --file /run/shop/env --reload 'systemctl reload shop'

The role of CREDENTIALS_URL needs what a collaborator with `deploy` has:

    SELECT * FROM credentials.add_collaborator('shop_agent', 'shop', '{deploy}');

Needs psycopg 3. The file has a line for each variable, NAME=value, without quotes: systemd's EnvironmentFile,
docker's --env-file and `set -a; . file` of a shell all read it so.
"""

import argparse
import hashlib
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import psycopg

# What may have changed a variable; that somebody read one, or that the agent did, has not.
CHANGED = """
    SELECT EXISTS (SELECT FROM credentials.events(after => %(first)s - 1) e
                    WHERE e.id = ANY (%(ids)s)
                      AND (e.app = %(app)s OR e.app IS NULL AND e.name IS NULL
                           OR e.name IN (SELECT a.name FROM credentials.attachments(%(app)s) a)))"""

# Seconds after which a reload command that failed is run again.
AGAIN = 5


def say(text):
    print(f"agent: {text}", file=sys.stderr, flush=True)


def write(path, content):
    """Replaces the file at once: who opens it sees the old content or the new one, also after a crash."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def read(path):
    return path.read_text() if path.exists() else None


class Agent:
    def __init__(self, options):
        self.options = options
        self.file = pathlib.Path(options.file).absolute()
        # What the app has read: an agent that was killed between writing and reloading reloads when it is back.
        self.seen = self.file.with_name(self.file.name + ".seen")

    def follow(self, url):
        """Keeps the file true for as long as the connection lasts."""
        with psycopg.connect(url, autocommit=True, application_name="credentials agent") as connection:
            # Before the variables are read: what changes from now on is heard of.
            connection.execute("LISTEN credentials")
            self.refresh(connection)
            while True:
                done = self.reload()
                wait = self.options.every if done else min(self.options.every, AGAIN)
                heard = list(connection.notifies(timeout=wait, stop_after=1))
                if self.changed(connection, heard) if heard else done:
                    self.refresh(connection)

    def changed(self, connection, heard):
        # Anybody can send a NOTIFY: what is no number is none of the extension's.
        ids = [int(note.payload) for note in heard if note.payload.isascii() and note.payload.isdigit()]
        ids = [number for number in ids if number < 2**63]
        if not ids:
            return False
        about = {"first": min(ids), "ids": ids, "app": self.options.app}
        return connection.execute(CHANGED, about).fetchone()[0]

    def refresh(self, connection):
        rows = connection.execute(
            "SELECT config_var, value FROM credentials.config_vars(%s) ORDER BY 1", (self.options.app,)
        ).fetchall()
        content = "".join(f"{name}={value}\n" for name, value in rows)
        if content != read(self.file):
            write(self.file, content)
            say(f"wrote {len(rows)} variables to {self.file}")

    def reload(self):
        """Has the app read what it has not read yet; tells whether it has read all."""
        digest = hashlib.sha256(self.file.read_bytes()).hexdigest()
        if not self.options.reload or read(self.seen) == digest:
            return True
        if subprocess.run(shlex.split(self.options.reload), check=False).returncode != 0:
            say("the reload command failed, it is tried again")
            return False
        write(self.seen, digest)
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--app", required=True, help="the app")
    parser.add_argument("--file", required=True, help="where its variables go")
    parser.add_argument("--reload", help="what makes the app read them")
    parser.add_argument("--every", type=float, default=300, help="seconds after which they are read unasked (300)")
    options = parser.parse_args()
    url = os.environ.get("CREDENTIALS_URL") or parser.error("CREDENTIALS_URL is not set")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    agent, pause = Agent(options), 1
    while True:
        began = time.monotonic()
        try:
            agent.follow(url)
        except psycopg.Error as error:
            # Only the first line: it is the server's, and none of it is a secret.
            say(str(error).splitlines()[0] if str(error) else type(error).__name__)
        pause = 1 if time.monotonic() - began > 60 else min(pause * 2, 30)
        time.sleep(pause)


if __name__ == "__main__":
    main()
