-- SQLite cannot add a CHECK to a table, so the table is built anew. The
-- pragma keeps the foreign keys of other tables out of it; it has no effect
-- inside a transaction and therefore runs before and behind it.

-- upgrade

PRAGMA foreign_keys = OFF;

CREATE TABLE products_new (
    id           INTEGER PRIMARY KEY,
    sku          TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    category_id  INTEGER NOT NULL REFERENCES categories (id),
    price_cents  INTEGER NOT NULL CHECK (price_cents >= 0),
    currency     TEXT NOT NULL DEFAULT 'EUR' CHECK (length(currency) = 3),
    active       INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1))
);

INSERT INTO products_new (id, sku, name, category_id, price_cents, active)
SELECT id, sku, name, category_id, price_cents, active FROM products;

DROP VIEW stock;
DROP TABLE products;
ALTER TABLE products_new RENAME TO products;
CREATE INDEX products_category ON products (category_id) WHERE active = 1;

CREATE VIEW stock AS
SELECT p.id AS product_id, p.sku, COALESCE(SUM(m.change), 0) AS on_hand
FROM products p
LEFT JOIN stock_movements m ON m.product_id = p.id
GROUP BY p.id, p.sku;

PRAGMA foreign_keys = ON;

-- rollback

ALTER TABLE products DROP COLUMN currency;
