//! Statements that a tenant might try, drawn at random from a seed. Each gives the tenant of a row in its first column.

/// A small generator (xorshift): a failing test names its seed, and runs again the same.
pub struct Draw(u64);

impl Draw {
    /// From a seed.
    pub fn new(seed: u64) -> Draw {
        Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// One of several.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// What a tenant reads: the table, a view, a view of a view, routines of both kinds.
const SOURCES: [&str; 7] = [
    "shop.orders",
    "shop.v",
    "shop.vv",
    "shop.invoker()",
    "shop.definer()",
    "(SELECT * FROM shop.orders OFFSET 0)",
    "(TABLE shop.orders)",
];

/// A condition, which may be false of every row of the tenant's.
fn condition(draw: &mut Draw, ids: usize) -> String {
    let (id, mark) = (draw.below(ids), draw.below(22));
    match draw.below(9) {
        0 => "true".to_owned(),
        1 => format!("id = {id}"),
        2 => format!("id < {id}"),
        3 => format!("tenant = 'm{mark}'"),
        4 => format!("tenant <> 'm{mark}' OR tenant IS NULL"),
        5 => format!("x % 7 = {} OR note LIKE '%{}%'", id % 7, id % 10),
        6 => format!("shop.leak(o.tenant, o.note) AND x > {id}"),
        7 => {
            format!("EXISTS (SELECT FROM shop.orders i WHERE i.id = o.x AND i.tenant = 'm{mark}')")
        }
        _ => format!(
            "id IN (SELECT id FROM shop.v WHERE x >= {id}) OR 1 / (id - {id}) > 0 AND id <> {id}"
        ),
    }
}

/// A statement that reads.
pub fn read(draw: &mut Draw, ids: usize) -> String {
    let source = draw.one(&SOURCES);
    let cond = condition(draw, ids);
    match draw.below(9) {
        0 => format!("WITH w AS MATERIALIZED (SELECT * FROM {source} o) SELECT tenant FROM w o WHERE {cond}"),
        1 => format!("SELECT o.tenant FROM {source} o JOIN (SELECT id AS k FROM shop.orders) a ON a.k = o.x WHERE {cond}"),
        2 => format!("SELECT max(tenant) FROM {source} o WHERE {cond} GROUP BY tenant, id"),
        3 => format!("SELECT l.tenant FROM generate_series(1, 3) g, LATERAL (SELECT * FROM {source} o WHERE {cond}) l"),
        4 => format!("SELECT tenant FROM {source} o WHERE {cond} UNION ALL SELECT tenant FROM shop.vv ORDER BY 1"),
        5 => format!("SELECT tenant FROM shop.orders o TABLESAMPLE SYSTEM (100) WHERE {cond}"),
        6 => format!("SELECT first_value(tenant) OVER (ORDER BY x) FROM {source} o WHERE {cond}"),
        7 => format!("SELECT tenant FROM {source} o WHERE {cond} FOR UPDATE"),
        _ => format!("SELECT tenant FROM {source} o WHERE {cond}"),
    }
}

/// A statement that writes; what it gives back is of the rows that it wrote.
pub fn write(draw: &mut Draw, ids: usize) -> String {
    let table = draw.one(&["shop.orders", "shop.v"]);
    let cond = condition(draw, ids);
    let (id, mark) = (draw.below(ids), draw.below(22));
    match draw.below(8) {
        0 => format!("UPDATE {table} o SET note = 'written' WHERE {cond} RETURNING tenant"),
        1 => format!("UPDATE {table} o SET tenant = 'm{mark}' WHERE {cond} RETURNING tenant"),
        2 => format!("DELETE FROM {table} o WHERE id % 11 = {} AND ({cond}) RETURNING tenant", id % 11),
        3 => format!("INSERT INTO {table} (id, tenant) VALUES ({}, 'm{mark}') RETURNING tenant", ids + id),
        4 => format!("INSERT INTO shop.orders AS o (id, tenant) VALUES ({id}, 'm{mark}') ON CONFLICT (id) DO UPDATE SET note = o.note || o.tenant, tenant = excluded.tenant RETURNING tenant"),
        5 => format!("INSERT INTO shop.orders (id, tenant) VALUES ({id}, 'm{mark}') ON CONFLICT DO NOTHING RETURNING tenant"),
        6 => format!("MERGE INTO shop.orders o USING (SELECT {id} AS k) s ON o.id % 5 = s.k % 5 WHEN MATCHED AND o.x < {id} THEN UPDATE SET note = 'merged' WHEN MATCHED AND o.id % 9 = 0 THEN DELETE WHEN NOT MATCHED THEN INSERT (id, tenant) VALUES ({}, 'm{mark}')", ids + id),
        _ => format!("WITH gone AS (DELETE FROM shop.orders o WHERE id % 13 = {} AND ({cond}) RETURNING *) SELECT tenant FROM gone", id % 13),
    }
}
