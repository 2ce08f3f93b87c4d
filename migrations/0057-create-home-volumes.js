'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('home_volumes')) return;
  await db.schema.raw(`
    CREATE TABLE home_volumes (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      size_mib INT UNSIGNED NOT NULL,
      own_size TINYINT NOT NULL,
      image_id CHAR(36) COLLATE utf8mb4_bin NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
      epoch INT UNSIGNED NOT NULL,
      attached_mib INT UNSIGNED NULL,
      used TINYINT NOT NULL,
      return_id CHAR(36) COLLATE utf8mb4_bin NULL,
      received TINYINT NOT NULL,
      sentence VARCHAR(1000) NULL,
      created_at DATETIME(3) NOT NULL,
      changed_at DATETIME(3) NOT NULL,
      UNIQUE KEY home_volumes_user (user_id),
      UNIQUE KEY home_volumes_instance (instance_id),
      UNIQUE KEY home_volumes_return (return_id),
      KEY home_volumes_state (state)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
