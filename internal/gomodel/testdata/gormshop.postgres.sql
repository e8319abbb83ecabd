-- User
CREATE TABLE "users" (
    "id" bigserial,
    "created_at" timestamptz,
    "updated_at" timestamptz,
    "deleted_at" timestamptz,
    "name" varchar(80) NOT NULL,
    "email" varchar(120) DEFAULT 'nobody@example.org',
    "age" smallint,
    "score" smallint DEFAULT 7,
    "bio" text,
    "weight" decimal,
    "height" numeric(10, 2),
    "active" boolean DEFAULT true,
    "nick" varchar(40),
    "photo" bytea,
    "blob" bytea,
    "seen" timestamptz,
    "seen_at" timestamptz(6) NOT NULL,
    "maybe" text,
    "maybe_int" bigint,
    "maybe_small" smallint,
    "maybe_time" timestamptz,
    "maybe_bool" boolean,
    "level" integer DEFAULT 2,
    "kind" varchar(20) DEFAULT 'plain',
    "config" JSONB,
    "tags" text,
    "raw" bytea,
    "server" bigint,
    "user_uuid" char(36),
    "api_key" text,
    "company_id" bigint,
    "manager_id" bigint,
    "home_street" varchar(100),
    "home_z_ip" varchar(10),
    "created_by" varchar(30),
    "updated_by" text,
    PRIMARY KEY ("id"),
    CONSTRAINT "uni_users_nick" UNIQUE ("nick"),
    CONSTRAINT "age_limit" CHECK (age > 13),
    CONSTRAINT "chk_users_score" CHECK (score <> 3),
    CONSTRAINT "fk_users_company" FOREIGN KEY ("company_id") REFERENCES "companies" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT "fk_users_manager" FOREIGN KEY ("manager_id") REFERENCES "users" ("id")
);
COMMENT ON COLUMN "users"."name" IS 'what it''s called';
CREATE INDEX "idx_users_deleted_at" ON "users" ("deleted_at");
CREATE INDEX "idx_name_age" ON "users" ("age" desc,"name");
CREATE UNIQUE INDEX "idx_users_email" ON "users" ("email");
CREATE INDEX "idx_users_api_key" ON "users" ("api_key");
CREATE INDEX "idx_users_z_ip" ON "users" ("home_z_ip");

-- Company
CREATE TABLE "companies" (
    "id" bigserial,
    "name" varchar(50),
    PRIMARY KEY ("id"),
    CONSTRAINT "uni_companies_name" UNIQUE ("name")
);

-- Card
CREATE TABLE "cards" (
    "id" bigserial,
    "number" varchar(20),
    "user_id" bigint,
    PRIMARY KEY ("id"),
    CONSTRAINT "fk_users_card" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
);

-- Order
CREATE TABLE "orders" (
    "code" varchar(12),
    "user_id" bigint,
    "placed" timestamptz,
    PRIMARY KEY ("code"),
    CONSTRAINT "fk_users_orders" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);

-- Line
CREATE TABLE "lines" (
    "order_code" varchar(12),
    "number" bigint,
    "text" text,
    PRIMARY KEY ("order_code", "number"),
    CONSTRAINT "fk_orders_lines" FOREIGN KEY ("order_code") REFERENCES "orders" ("code")
);

-- Lang
CREATE TABLE "app_languages" (
    "code" varchar(5),
    "name" text,
    PRIMARY KEY ("code")
);

-- Toy
CREATE TABLE "toys" (
    "id" bigserial,
    "name" text,
    "owner_id" bigint,
    "owner_type" varchar(30),
    PRIMARY KEY ("id")
);

-- Person
CREATE TABLE "people" (
    "id" serial,
    "created_at" bigint,
    "meta" JSONB,
    "born" date,
    PRIMARY KEY ("id")
);

-- OrderItemStatus
CREATE TABLE "order_item_statuses" (
    "name" varchar(40),
    "sort_order" integer NOT NULL DEFAULT 10,
    "first_name" varchar(30),
    "last_name" varchar(30),
    PRIMARY KEY ("name")
);
CREATE UNIQUE INDEX "idx_order_item_statuses_sort_order" ON "order_item_statuses" ("sort_order");
CREATE INDEX "idx_order_item_statuses_full" ON "order_item_statuses" ("first_name","last_name");

-- Category
CREATE TABLE "categories" (
    "id" bigserial,
    "parent_id" bigint,
    PRIMARY KEY ("id"),
    CONSTRAINT "fk_categories_children" FOREIGN KEY ("parent_id") REFERENCES "categories" ("id")
);

-- User.Languages
CREATE TABLE "user_languages" (
    "user_id" bigint,
    "lang_code" varchar(5),
    PRIMARY KEY ("user_id", "lang_code"),
    CONSTRAINT "fk_user_languages_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "fk_user_languages_lang" FOREIGN KEY ("lang_code") REFERENCES "app_languages" ("code")
);

-- User.Friends
CREATE TABLE "user_friends" (
    "user_id" bigint,
    "friend_id" bigint,
    PRIMARY KEY ("user_id", "friend_id"),
    CONSTRAINT "fk_user_friends_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "fk_user_friends_friends" FOREIGN KEY ("friend_id") REFERENCES "users" ("id")
);

