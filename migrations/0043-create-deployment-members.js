'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('deployment_members')) return;
  await db.schema.raw(`
    CREATE TABLE deployment_members (
      deployment_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      slot INT NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      named_for_user TINYINT NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      operation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      wish VARCHAR(16) COLLATE utf8mb4_bin NULL,
      wish_forced TINYINT NOT NULL DEFAULT 0,
      sentence VARCHAR(1000) NULL,
      slave_ids TEXT NULL,
      PRIMARY KEY (deployment_id, slot),
      UNIQUE KEY deployment_members_instance (instance_id),
      KEY deployment_members_state (state),
      KEY deployment_members_wish (wish),
      KEY deployment_members_operation (operation_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
