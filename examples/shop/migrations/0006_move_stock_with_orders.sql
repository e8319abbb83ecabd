-- A shipped order takes its items out of the stock; the semicolons inside the
-- trigger belong to it.

-- upgrade

CREATE TRIGGER orders_shipped AFTER UPDATE OF status ON orders
WHEN NEW.status = 'shipped' AND OLD.status <> 'shipped'
BEGIN
    INSERT INTO stock_movements (product_id, change, reason)
    SELECT product_id, -quantity, 'order ' || NEW.id
    FROM order_items
    WHERE order_id = NEW.id;
END;

-- rollback

DROP TRIGGER orders_shipped;
