'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('templates')) return;
  await db.schema.raw(`
    CREATE TABLE templates (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      name VARCHAR(100) NOT NULL,
      description TEXT NOT NULL,
      image_id CHAR(36) COLLATE utf8mb4_bin NULL,
      family_id CHAR(36) COLLATE utf8mb4_bin NULL,
      vcpus INT NOT NULL,
      ram_mib INT NOT NULL,
      disk_mib BIGINT NULL,
      bandwidth_mbps INT NULL,
      minutes INT NULL,
      cloud_init MEDIUMTEXT NULL,
      owner_group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      changed_at DATETIME(3) NOT NULL,
      UNIQUE KEY templates_name (name),
      KEY templates_image (image_id),
      KEY templates_family (family_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
