-- User
CREATE TABLE "users" (
    "id" integer PRIMARY KEY AUTOINCREMENT,
    "created_at" datetime,
    "updated_at" datetime,
    "deleted_at" datetime,
    "name" text NOT NULL,
    "email" text DEFAULT "nobody@example.org",
    "age" integer,
    "score" integer DEFAULT 7,
    "bio" text,
    "weight" real,
    "height" real,
    "active" numeric DEFAULT true,
    "nick" text,
    "photo" blob,
    "blob" blob,
    "seen" datetime,
    "seen_at" datetime NOT NULL,
    "maybe" text,
    "maybe_int" integer,
    "maybe_small" integer,
    "maybe_time" datetime,
    "maybe_bool" numeric,
    "level" integer DEFAULT 2,
    "kind" varchar(20) DEFAULT "plain",
    "config" JSON,
    "tags" text,
    "raw" blob,
    "server" integer,
    "user_uuid" char(36),
    "api_key" text,
    "company_id" integer,
    "manager_id" integer,
    "home_street" text,
    "home_z_ip" text,
    "created_by" text,
    "updated_by" text,
    CONSTRAINT "uni_users_nick" UNIQUE ("nick"),
    CONSTRAINT "age_limit" CHECK (age > 13),
    CONSTRAINT "chk_users_score" CHECK (score <> 3),
    CONSTRAINT "fk_users_company" FOREIGN KEY ("company_id") REFERENCES "companies" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT "fk_users_manager" FOREIGN KEY ("manager_id") REFERENCES "users" ("id")
);
CREATE INDEX "idx_users_deleted_at" ON "users" ("deleted_at");
CREATE INDEX "idx_name_age" ON "users" ("age" desc,"name");
CREATE UNIQUE INDEX "idx_users_email" ON "users" ("email");
CREATE INDEX "idx_users_api_key" ON "users" ("api_key");
CREATE INDEX "idx_users_z_ip" ON "users" ("home_z_ip");

-- Company
CREATE TABLE "companies" (
    "id" integer PRIMARY KEY AUTOINCREMENT,
    "name" varchar(50),
    CONSTRAINT "uni_companies_name" UNIQUE ("name")
);

-- Card
CREATE TABLE "cards" (
    "id" integer PRIMARY KEY AUTOINCREMENT,
    "number" text,
    "user_id" integer,
    CONSTRAINT "fk_users_card" FOREIGN KEY ("user_id") REFERENCES "users" ("id")
);

-- Order
CREATE TABLE "orders" (
    "code" text,
    "user_id" integer,
    "placed" datetime,
    PRIMARY KEY ("code"),
    CONSTRAINT "fk_users_orders" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
);

-- Line
CREATE TABLE "lines" (
    "order_code" text,
    "number" integer,
    "text" text,
    PRIMARY KEY ("order_code", "number"),
    CONSTRAINT "fk_orders_lines" FOREIGN KEY ("order_code") REFERENCES "orders" ("code")
);

-- Lang
CREATE TABLE "app_languages" (
    "code" text,
    "name" text,
    PRIMARY KEY ("code")
);

-- Toy
CREATE TABLE "toys" (
    "id" integer PRIMARY KEY AUTOINCREMENT,
    "name" text,
    "owner_id" integer,
    "owner_type" text
);

-- Person
CREATE TABLE "people" (
    "id" integer PRIMARY KEY AUTOINCREMENT,
    "created_at" integer,
    "meta" JSON,
    "born" date
);

-- OrderItemStatus
CREATE TABLE "order_item_statuses" (
    "name" text,
    "sort_order" integer NOT NULL DEFAULT 10,
    "first_name" text,
    "last_name" text,
    PRIMARY KEY ("name")
);
CREATE UNIQUE INDEX "idx_order_item_statuses_sort_order" ON "order_item_statuses" ("sort_order");
CREATE INDEX "idx_order_item_statuses_full" ON "order_item_statuses" ("first_name","last_name");

-- Category
CREATE TABLE "categories" (
    "id" integer PRIMARY KEY AUTOINCREMENT,
    "parent_id" integer,
    CONSTRAINT "fk_categories_children" FOREIGN KEY ("parent_id") REFERENCES "categories" ("id")
);

-- User.Languages
CREATE TABLE "user_languages" (
    "user_id" integer,
    "lang_code" text,
    PRIMARY KEY ("user_id", "lang_code"),
    CONSTRAINT "fk_user_languages_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "fk_user_languages_lang" FOREIGN KEY ("lang_code") REFERENCES "app_languages" ("code")
);

-- User.Friends
CREATE TABLE "user_friends" (
    "user_id" integer,
    "friend_id" integer,
    PRIMARY KEY ("user_id", "friend_id"),
    CONSTRAINT "fk_user_friends_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id"),
    CONSTRAINT "fk_user_friends_friends" FOREIGN KEY ("friend_id") REFERENCES "users" ("id")
);

