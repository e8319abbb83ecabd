-- Account
CREATE TABLE "accounts" (
    "id" INTEGER PRIMARY KEY,
    "created_at" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "email" VARCHAR(120) NOT NULL,
    "name" VARCHAR(80),
    "nick" TEXT,
    "balance" numeric(10,2) NOT NULL CHECK (balance >= 0),
    "active" BOOLEAN NOT NULL,
    "level" INTEGER NOT NULL,
    "meta" TEXT,
    "token" TEXT NOT NULL,
    "photo" BLOB NOT NULL,
    "parent_id" INTEGER,
    CONSTRAINT "uni_accounts_email" UNIQUE ("email"),
    CONSTRAINT "fk_accounts_parent_id" FOREIGN KEY ("parent_id") REFERENCES "accounts" ("id") ON DELETE SET NULL
);
CREATE INDEX "idx_accounts_name" ON "accounts" ("name");

-- Membership
CREATE TABLE "team_members" (
    "account_id" INTEGER NOT NULL,
    "team" VARCHAR(40) NOT NULL,
    "role" VARCHAR(20) NOT NULL,
    "since" VARCHAR(10) NOT NULL,
    PRIMARY KEY ("account_id", "team"),
    CONSTRAINT "fk_team_members_account_id" FOREIGN KEY ("account_id") REFERENCES "accounts" ("id")
);
CREATE INDEX "by_role" ON "team_members" ("role", "since");

