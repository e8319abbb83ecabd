-- upgrade

CREATE TABLE stock_movements (
    id          INTEGER PRIMARY KEY,
    product_id  INTEGER NOT NULL REFERENCES products (id),
    change      INTEGER NOT NULL CHECK (change <> 0),
    reason      TEXT NOT NULL,
    moved_at    TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX stock_movements_product ON stock_movements (product_id);

CREATE VIEW stock AS
SELECT p.id AS product_id, p.sku, COALESCE(SUM(m.change), 0) AS on_hand
FROM products p
LEFT JOIN stock_movements m ON m.product_id = p.id
GROUP BY p.id, p.sku;

-- rollback

DROP VIEW stock;
DROP TABLE stock_movements;
