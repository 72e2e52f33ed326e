// Logs in with each URL on stdin as node-postgres does it, and prints who it is: the same lines as login.py.
// It finds `pg` by NODE_PATH, which only require() looks at.

const { Client } = require('pg')

const WHO = 'SELECT current_user::text AS a, session_user::text AS b, current_database()::text AS c, 1 AS d'

async function seen(url) {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 20000 })
  // An ended connection says so once more as an event, which ends the process where nobody listens.
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query(WHO)
    return [rows[0].a, rows[0].b, rows[0].c, rows[0].d]
  } finally {
    await client.end()
  }
}

async function main() {
  let input = ''
  for await (const part of process.stdin) input += part
  for (const [number, url] of JSON.parse(input).entries()) {
    const answer = { client: 'node-postgres', url: number }
    try {
      answer.seen = await seen(url)
    } catch (error) {
      answer.error = `${error.name}: ${error.message}`
    }
    console.log(JSON.stringify(answer))
  }
}

main()
