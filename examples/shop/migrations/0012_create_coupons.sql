-- depends_on: ["0003"]

-- upgrade

CREATE TABLE coupons (
    code         TEXT PRIMARY KEY,
    percent      INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 100),
    valid_until  TEXT
) WITHOUT ROWID;

ALTER TABLE orders ADD COLUMN coupon_code TEXT REFERENCES coupons (code);

-- rollback

ALTER TABLE orders DROP COLUMN coupon_code;
DROP TABLE coupons;
