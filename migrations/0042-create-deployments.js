'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('deployments')) return;
  await db.schema.raw(`
    CREATE TABLE deployments (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      name VARCHAR(100) NOT NULL,
      description TEXT NOT NULL,
      created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      template_id CHAR(36) COLLATE utf8mb4_bin NULL,
      family_id CHAR(36) COLLATE utf8mb4_bin NULL,
      image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      kernel_id CHAR(36) COLLATE utf8mb4_bin NULL,
      ramdisk_id CHAR(36) COLLATE utf8mb4_bin NULL,
      vcpus INT NOT NULL,
      ram_mib INT NOT NULL,
      disk_mib BIGINT NOT NULL,
      bandwidth_mbps INT NULL,
      minutes INT NULL,
      cloud_init MEDIUMTEXT NULL,
      slave_ids TEXT NULL,
      per_host_limit INT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      slots_made INT NOT NULL,
      created_at DATETIME(3) NOT NULL,
      changed_at DATETIME(3) NOT NULL,
      KEY deployments_creator (created_by_user_id),
      KEY deployments_group (group_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
