'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('slave_evacuation_parts')) return;
  await db.schema.raw(`
    CREATE TABLE slave_evacuation_parts (
      operation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_name VARCHAR(63) COLLATE utf8mb4_bin NOT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      resumes VARCHAR(16) COLLATE utf8mb4_bin NULL,
      move_id CHAR(36) COLLATE utf8mb4_bin NULL,
      tries INT NOT NULL,
      refused_at INT NULL,
      sentence VARCHAR(1000) NULL,
      PRIMARY KEY (operation_id, instance_id),
      KEY slave_evacuation_parts_state (state)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
