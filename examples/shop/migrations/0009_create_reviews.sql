-- upgrade

CREATE TABLE reviews (
    product_id   INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    customer_id  INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    stars        INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body         TEXT NOT NULL DEFAULT '',
    written_at   TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (product_id, customer_id)
);

CREATE VIEW product_ratings AS
SELECT product_id, COUNT(*) AS reviews, ROUND(AVG(stars), 1) AS stars
FROM reviews
GROUP BY product_id;

-- rollback

DROP VIEW product_ratings;
DROP TABLE reviews;
