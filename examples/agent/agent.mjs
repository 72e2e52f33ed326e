#!/usr/bin/env node
// Keeps the config variables of an app in a file, and has the app read it anew when they change: agent.py for who
// has Node.js and the package `pg`.
//
//   CREDENTIALS_URL=postgres://shop_agent:…@db.example.com/app \
//     node agent.mjs --app shop --file /run/shop/env --reload 'systemctl reload shop'
//
// A Node app can do without the file: import { follow } and give it a function that makes a new pool.
//
// The role of CREDENTIALS_URL needs what a collaborator with `deploy` has:
//
//   SELECT * FROM credentials.add_collaborator('shop_agent', 'shop', '{deploy}');

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

// What may have changed a variable; that somebody read one, or that the agent did, has not.
const CHANGED = `
  SELECT EXISTS (SELECT FROM credentials.events(after => $1::bigint - 1) e
                  WHERE e.id = ANY ($2::bigint[])
                    AND (e.app = $3 OR e.app IS NULL AND e.name IS NULL
                         OR e.name IN (SELECT a.name FROM credentials.attachments($3) a))) AS changed`;

const say = (text) => console.error(`agent: ${text}`);

/** The variables of an app now, as an object. */
async function variables(client, app) {
  const { rows } = await client.query('SELECT config_var, value FROM credentials.config_vars($1) ORDER BY 1', [app]);
  return Object.fromEntries(rows.map((row) => [row.config_var, row.value]));
}

/** Calls `use` with the variables now, and again whenever they may have changed, for as long as the connection lasts. */
async function listen(url, app, every, use) {
  const client = new pg.Client({ connectionString: url, application_name: 'credentials agent' });
  let heard = [];
  let wake = () => {};
  let lost;
  const alarm = (error) => { lost = error ?? new Error('the connection was closed'); wake(); };
  client.on('error', alarm);
  client.on('end', () => alarm());
  // Anybody can send a NOTIFY: what is no number is none of the extension's.
  client.on('notification', ({ payload }) => { if (/^\d{1,18}$/.test(payload)) { heard.push(payload); wake(); } });
  try {
    await client.connect();
    // Before the variables are read: what changes from now on is heard of.
    await client.query('LISTEN credentials');
    for (let changed = true; ; ) {
      if (changed) await use(await variables(client, app));
      // What was heard of meanwhile is not waited for.
      if (!heard.length && !lost) {
        let timer;
        await new Promise((resolve) => { wake = resolve; timer = setTimeout(resolve, every * 1000); });
        clearTimeout(timer);
        wake = () => {};
      }
      if (lost) throw lost;
      const ids = heard;
      heard = [];
      // Unasked after a while, whether there was something to hear or not.
      changed = !ids.length;
      if (ids.length) {
        const first = ids.reduce((a, b) => (BigInt(a) < BigInt(b) ? a : b));
        changed = (await client.query(CHANGED, [first, ids, app])).rows[0].changed;
      }
    }
  } finally {
    await client.end().catch(() => {});
  }
}

/** As listen(), for ever: connects again when the connection is lost. */
export async function follow(url, app, use, every = 300) {
  for (let pause = 1; ; ) {
    const began = Date.now();
    await listen(url, app, every, use).catch((error) => say(error.message));
    pause = Date.now() - began > 60_000 ? 1 : Math.min(pause * 2, 30);
    await sleep(pause * 1000);
  }
}

/** Replaces the file at once: who opens it sees the old content or the new one, also after a crash. */
function write(file, content) {
  const fresh = `${file}.new`;
  fs.rmSync(fresh, { force: true });
  const handle = fs.openSync(fresh, 'wx', 0o600);
  fs.writeSync(handle, content);
  fs.fsyncSync(handle);
  fs.closeSync(handle);
  fs.renameSync(fresh, file);
  const folder = fs.openSync(path.dirname(file), 'r');
  fs.fsyncSync(folder);
  fs.closeSync(folder);
}

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined);

/** Writes the variables and runs the command where the app has not read them yet. */
async function keep(file, command, variables) {
  const content = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`).join('');
  if (content !== read(file)) {
    write(file, content);
    say(`wrote ${Object.keys(variables).length} variables to ${file}`);
  }
  // What the app has read: an agent that was killed between writing and reloading reloads when it is back.
  const seen = `${file}.seen`;
  const digest = createHash('sha256').update(content).digest('hex');
  while (command && read(seen) !== digest) {
    const [program, ...rest] = command.split(/\s+/);
    if (spawnSync(program, rest, { stdio: 'inherit' }).status === 0) write(seen, digest);
    else { say('the reload command failed, it is tried again'); await sleep(5000); }
  }
}

async function main() {
  const { values } = parseArgs({
    options: { app: { type: 'string' }, file: { type: 'string' }, reload: { type: 'string' }, every: { type: 'string', default: '300' } },
  });
  const url = process.env.CREDENTIALS_URL;
  if (!values.app || !values.file || !url) {
    console.error('usage: CREDENTIALS_URL=… node agent.mjs --app APP --file FILE [--reload COMMAND] [--every SECONDS]');
    process.exit(2);
  }
  process.on('SIGTERM', () => process.exit(0));
  await follow(url, values.app, (now) => keep(path.resolve(values.file), values.reload, now), Number(values.every));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
