// The app's first table, and the credential that the app works with.

exports.up = (pgm) => {
  pgm.createTable({ schema: 'public', name: 'orders' }, { id: 'id', what: 'text' }, { ifNotExists: true })
  pgm.sql("SELECT name, username, state FROM credentials.create('web', if_not_exists => true)")
  pgm.sql("SELECT * FROM credentials.grant('web', 'read_write')")
  // A variable that is taken would be an error (42710): only where the app has none yet.
  pgm.sql(`SELECT credentials.attach('web', 'shop', as_name => 'DATABASE')
            WHERE NOT EXISTS (SELECT FROM credentials.attachments('shop') WHERE config_var = 'DATABASE_URL')`)
}

exports.down = (pgm) => {
  pgm.sql("SELECT * FROM credentials.detach('DATABASE_URL', 'shop')")
  // Sessions end and objects move after the commit; the tables that web may have made stay, as default's.
  pgm.sql("SELECT * FROM credentials.destroy('web', confirm => current_database()::text)")
  pgm.dropTable({ schema: 'public', name: 'orders' })
}
