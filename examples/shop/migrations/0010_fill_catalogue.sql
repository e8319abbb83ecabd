-- upgrade

INSERT INTO categories (id, parent_id, name) VALUES
    (1, NULL, 'Kitchen'),
    (2, 1, 'Coffee; and tea'),
    (3, NULL, 'Desk');

INSERT INTO products (sku, name, category_id, price_cents) VALUES
    ('KIT-001', 'Hand grinder', 2, 7900),
    ('KIT-002', 'Tea pot "Nagasaki" 急須', 2, 5400),
    ('DSK-001', 'Lamp -- brass', 3, 12900);

INSERT INTO stock_movements (product_id, change, reason)
SELECT id, 25, 'first delivery' FROM products;

-- rollback

DELETE FROM stock_movements WHERE reason = 'first delivery';
DELETE FROM products WHERE sku IN ('KIT-001', 'KIT-002', 'DSK-001');
DELETE FROM categories WHERE id IN (3, 2, 1);
