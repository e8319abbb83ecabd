-- upgrade

CREATE TABLE payments (
    id            INTEGER PRIMARY KEY,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    provider      TEXT NOT NULL,
    reference     TEXT NOT NULL,
    amount_cents  INTEGER NOT NULL CHECK (amount_cents > 0),
    paid_at       TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (provider, reference)
);

CREATE TRIGGER payments_close_order AFTER INSERT ON payments
BEGIN
    UPDATE orders
    SET status = CASE WHEN status = 'open' THEN 'paid' ELSE status END
    WHERE id = NEW.order_id;
END;

-- rollback

DROP TABLE payments;
