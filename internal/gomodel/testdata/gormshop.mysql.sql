-- User
CREATE TABLE `users` (
    `id` bigint unsigned AUTO_INCREMENT,
    `created_at` datetime(3) NULL,
    `updated_at` datetime(3) NULL,
    `deleted_at` datetime(3) NULL,
    `name` varchar(80) NOT NULL COMMENT 'what it''s called',
    `email` varchar(120) DEFAULT 'nobody@example.org',
    `age` tinyint unsigned,
    `score` smallint DEFAULT 7,
    `bio` longtext,
    `weight` float,
    `height` decimal(10, 2),
    `active` boolean DEFAULT true,
    `nick` varchar(40),
    `photo` longblob,
    `blob` varbinary(100),
    `seen` datetime(3) NULL,
    `seen_at` datetime(6) NOT NULL,
    `maybe` longtext,
    `maybe_int` bigint,
    `maybe_small` smallint,
    `maybe_time` datetime(3) NULL,
    `maybe_bool` boolean,
    `level` int DEFAULT 2,
    `kind` varchar(20) DEFAULT 'plain',
    `config` JSON,
    `tags` longtext,
    `raw` longblob,
    `server` bigint,
    `user_uuid` char(36),
    `api_key` varchar(191),
    `company_id` bigint,
    `manager_id` bigint unsigned,
    `home_street` varchar(100),
    `home_z_ip` varchar(10),
    `created_by` varchar(30),
    `updated_by` longtext,
    PRIMARY KEY (`id`),
    CONSTRAINT `uni_users_nick` UNIQUE (`nick`),
    CONSTRAINT `age_limit` CHECK (age > 13),
    CONSTRAINT `chk_users_score` CHECK (score <> 3),
    CONSTRAINT `fk_users_company` FOREIGN KEY (`company_id`) REFERENCES `companies` (`id`) ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT `fk_users_manager` FOREIGN KEY (`manager_id`) REFERENCES `users` (`id`)
);
CREATE INDEX `idx_users_deleted_at` ON `users` (`deleted_at`);
CREATE INDEX `idx_name_age` ON `users` (`age` desc,`name`);
CREATE UNIQUE INDEX `idx_users_email` ON `users` (`email`);
CREATE INDEX `idx_users_api_key` ON `users` (`api_key`(10));
CREATE INDEX `idx_users_z_ip` ON `users` (`home_z_ip`);

-- Company
CREATE TABLE `companies` (
    `id` bigint AUTO_INCREMENT,
    `name` varchar(50),
    PRIMARY KEY (`id`),
    CONSTRAINT `uni_companies_name` UNIQUE (`name`)
);

-- Card
CREATE TABLE `cards` (
    `id` bigint unsigned AUTO_INCREMENT,
    `number` varchar(20),
    `user_id` bigint unsigned,
    PRIMARY KEY (`id`),
    CONSTRAINT `fk_users_card` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
);

-- Order
CREATE TABLE `orders` (
    `code` varchar(12),
    `user_id` bigint unsigned,
    `placed` datetime(3) NULL,
    PRIMARY KEY (`code`),
    CONSTRAINT `fk_users_orders` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
);

-- Line
CREATE TABLE `lines` (
    `order_code` varchar(12),
    `number` bigint,
    `text` text,
    PRIMARY KEY (`order_code`, `number`),
    CONSTRAINT `fk_orders_lines` FOREIGN KEY (`order_code`) REFERENCES `orders` (`code`)
);

-- Lang
CREATE TABLE `app_languages` (
    `code` varchar(5),
    `name` longtext,
    PRIMARY KEY (`code`)
);

-- Toy
CREATE TABLE `toys` (
    `id` bigint AUTO_INCREMENT,
    `name` longtext,
    `owner_id` bigint unsigned,
    `owner_type` varchar(30),
    PRIMARY KEY (`id`)
);

-- Person
CREATE TABLE `people` (
    `id` int AUTO_INCREMENT,
    `created_at` bigint,
    `meta` JSON,
    `born` date,
    PRIMARY KEY (`id`)
);

-- OrderItemStatus
CREATE TABLE `order_item_statuses` (
    `name` varchar(40),
    `sort_order` smallint unsigned NOT NULL DEFAULT 10,
    `first_name` varchar(30),
    `last_name` varchar(30),
    PRIMARY KEY (`name`)
);
CREATE UNIQUE INDEX `idx_order_item_statuses_sort_order` ON `order_item_statuses` (`sort_order`);
CREATE INDEX `idx_order_item_statuses_full` ON `order_item_statuses` (`first_name`,`last_name`);

-- Category
CREATE TABLE `categories` (
    `id` bigint unsigned AUTO_INCREMENT,
    `parent_id` bigint unsigned,
    PRIMARY KEY (`id`),
    CONSTRAINT `fk_categories_children` FOREIGN KEY (`parent_id`) REFERENCES `categories` (`id`)
);

-- User.Languages
CREATE TABLE `user_languages` (
    `user_id` bigint unsigned,
    `lang_code` varchar(5),
    PRIMARY KEY (`user_id`, `lang_code`),
    CONSTRAINT `fk_user_languages_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`),
    CONSTRAINT `fk_user_languages_lang` FOREIGN KEY (`lang_code`) REFERENCES `app_languages` (`code`)
);

-- User.Friends
CREATE TABLE `user_friends` (
    `user_id` bigint unsigned,
    `friend_id` bigint unsigned,
    PRIMARY KEY (`user_id`, `friend_id`),
    CONSTRAINT `fk_user_friends_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`),
    CONSTRAINT `fk_user_friends_friends` FOREIGN KEY (`friend_id`) REFERENCES `users` (`id`)
);

