-- Account
CREATE TABLE `accounts` (
    `id` BIGINT NOT NULL AUTO_INCREMENT,
    `created_at` DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    `email` VARCHAR(120) NOT NULL,
    `name` VARCHAR(80),
    `nick` VARCHAR(255),
    `balance` numeric(10,2) NOT NULL CHECK (balance >= 0),
    `active` BOOLEAN NOT NULL,
    `level` SMALLINT NOT NULL,
    `meta` JSON,
    `token` CHAR(36) NOT NULL,
    `photo` LONGBLOB NOT NULL,
    `parent_id` BIGINT,
    PRIMARY KEY (`id`),
    CONSTRAINT `uni_accounts_email` UNIQUE (`email`),
    CONSTRAINT `fk_accounts_parent_id` FOREIGN KEY (`parent_id`) REFERENCES `accounts` (`id`) ON DELETE SET NULL
);
CREATE INDEX `idx_accounts_name` ON `accounts` (`name`);

-- Membership
CREATE TABLE `team_members` (
    `account_id` BIGINT NOT NULL,
    `team` VARCHAR(40) NOT NULL,
    `role` VARCHAR(20) NOT NULL,
    `since` VARCHAR(10) NOT NULL,
    PRIMARY KEY (`account_id`, `team`),
    CONSTRAINT `fk_team_members_account_id` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`)
);
CREATE INDEX `by_role` ON `team_members` (`role`, `since`);

