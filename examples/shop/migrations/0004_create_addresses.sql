-- upgrade

CREATE TABLE addresses (
    id           INTEGER PRIMARY KEY,
    customer_id  INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    street       TEXT NOT NULL,
    postcode     TEXT NOT NULL,
    city         TEXT NOT NULL,
    country      TEXT NOT NULL DEFAULT 'DE'
);

ALTER TABLE orders ADD COLUMN shipping_address_id INTEGER REFERENCES addresses (id);

-- rollback

ALTER TABLE orders DROP COLUMN shipping_address_id;
DROP TABLE addresses;
