-- The application of the demo: two schemas with tables, sequences, views and functions.
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.orders (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer integer NOT NULL REFERENCES shop.customers,
  amount   numeric(10,2) NOT NULL,
  placed   timestamptz NOT NULL DEFAULT now());
INSERT INTO shop.customers (name) SELECT 'customer ' || g FROM generate_series(1, 100) g;
INSERT INTO shop.orders (customer, amount) SELECT 1 + g % 100, g % 977 FROM generate_series(1, 10000) g;
CREATE VIEW shop.revenue AS SELECT customer, sum(amount) AS revenue FROM shop.orders GROUP BY customer;

CREATE SCHEMA billing;
CREATE SEQUENCE billing.invoice_number START 1000;
CREATE TABLE billing.invoices (
  number  bigint PRIMARY KEY DEFAULT nextval('billing.invoice_number'),
  order_id bigint NOT NULL REFERENCES shop.orders,
  paid    boolean NOT NULL DEFAULT false);
INSERT INTO billing.invoices (order_id, paid) SELECT id, id % 3 = 0 FROM shop.orders;
CREATE VIEW billing.open_invoices AS SELECT * FROM billing.invoices WHERE NOT paid;
CREATE FUNCTION billing.pay(invoice bigint) RETURNS boolean
  LANGUAGE sql BEGIN ATOMIC UPDATE billing.invoices SET paid = true WHERE number = invoice RETURNING paid; END;
