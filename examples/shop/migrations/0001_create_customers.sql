-- upgrade

CREATE TABLE customers (
    id          INTEGER PRIMARY KEY,
    email       TEXT NOT NULL COLLATE NOCASE,
    full_name   TEXT NOT NULL,
    created_at  TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CHECK (email LIKE '%_@_%')
);

CREATE UNIQUE INDEX customers_email ON customers (email);

-- rollback

DROP TABLE customers;
