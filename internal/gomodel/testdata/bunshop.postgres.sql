-- User
CREATE TABLE "users" (
    "id" BIGSERIAL NOT NULL,
    "name" varchar(80) NOT NULL,
    "email" varchar(120),
    "first" varchar(40),
    "last" varchar(40),
    "small" SMALLINT,
    "medium" INTEGER,
    "count" INTEGER,
    "big" BIGINT,
    "weight" REAL,
    "height" numeric(10,2) DEFAULT 1.5,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "photo" BYTEA,
    "nick" VARCHAR,
    "maybe" VARCHAR,
    "maybe_time" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT current_timestamp,
    "deleted_at" TIMESTAMPTZ,
    "http_port" BIGINT,
    "user_url" VARCHAR,
    "company_id" BIGINT,
    "manager_id" BIGINT,
    "home_street" VARCHAR,
    "home_zip" varchar(10),
    "created_by" VARCHAR,
    PRIMARY KEY ("id"),
    UNIQUE ("email"),
    CONSTRAINT "full_name" UNIQUE ("first", "last"),
    FOREIGN KEY ("company_id") REFERENCES "companies" ("id") ON UPDATE NO ACTION ON DELETE CASCADE,
    FOREIGN KEY ("manager_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);

-- Company
CREATE TABLE "companies" (
    "id" BIGSERIAL NOT NULL,
    "name" VARCHAR,
    PRIMARY KEY ("id")
);

-- Order
CREATE TABLE "orders" (
    "code" varchar(12) NOT NULL,
    "user_id" BIGINT NOT NULL,
    PRIMARY KEY ("code"),
    FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);

-- Group
CREATE TABLE "groups" (
    "id" SERIAL NOT NULL,
    "label" VARCHAR,
    PRIMARY KEY ("id")
);

-- UserGroup
CREATE TABLE "user_groups" (
    "user_id" BIGINT NOT NULL,
    "group_id" INTEGER NOT NULL,
    PRIMARY KEY ("user_id", "group_id"),
    FOREIGN KEY ("group_id") REFERENCES "groups" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
    FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);

-- OrderItemStatus
CREATE TABLE "order_item_statuses" (
    "id" SMALLINT NOT NULL,
    PRIMARY KEY ("id")
);

