-- User
CREATE TABLE "users" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "name" varchar(80) NOT NULL,
    "email" varchar(120),
    "first" varchar(40),
    "last" varchar(40),
    "small" INTEGER,
    "medium" INTEGER,
    "count" INTEGER,
    "big" INTEGER,
    "weight" REAL,
    "height" numeric(10,2) DEFAULT 1.5,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "photo" BLOB,
    "nick" VARCHAR,
    "maybe" VARCHAR,
    "maybe_time" TIMESTAMP,
    "created_at" TIMESTAMP NOT NULL DEFAULT current_timestamp,
    "deleted_at" TIMESTAMP,
    "http_port" INTEGER,
    "user_url" VARCHAR,
    "company_id" INTEGER,
    "manager_id" INTEGER,
    "home_street" VARCHAR,
    "home_zip" varchar(10),
    "created_by" VARCHAR,
    UNIQUE ("email"),
    CONSTRAINT "full_name" UNIQUE ("first", "last"),
    FOREIGN KEY ("company_id") REFERENCES "companies" ("id") ON UPDATE NO ACTION ON DELETE CASCADE,
    FOREIGN KEY ("manager_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);

-- Company
CREATE TABLE "companies" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "name" VARCHAR
);

-- Order
CREATE TABLE "orders" (
    "code" varchar(12) NOT NULL,
    "user_id" INTEGER NOT NULL,
    PRIMARY KEY ("code"),
    FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);

-- Group
CREATE TABLE "groups" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "label" VARCHAR
);

-- UserGroup
CREATE TABLE "user_groups" (
    "user_id" INTEGER NOT NULL,
    "group_id" INTEGER NOT NULL,
    PRIMARY KEY ("user_id", "group_id"),
    FOREIGN KEY ("group_id") REFERENCES "groups" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
    FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);

-- OrderItemStatus
CREATE TABLE "order_item_statuses" (
    "id" INTEGER NOT NULL,
    PRIMARY KEY ("id")
);

