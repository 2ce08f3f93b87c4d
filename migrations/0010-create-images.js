'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('images')) return;
  await db.schema.raw(`
    CREATE TABLE images (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      friendly_id VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
      kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      name VARCHAR(100) NOT NULL,
      description TEXT NOT NULL,
      format VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      size_bytes BIGINT NOT NULL,
      sha256 CHAR(64) COLLATE utf8mb4_bin NOT NULL,
      virtual_size_mib BIGINT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      reason VARCHAR(1000) NULL,
      default_kernel_id CHAR(36) COLLATE utf8mb4_bin NULL,
      default_ramdisk_id CHAR(36) COLLATE utf8mb4_bin NULL,
      default_vcpus INT NULL,
      default_ram_mib INT NULL,
      kernel_arguments VARCHAR(1000) NOT NULL,
      platform_value DECIMAL(12,6) NOT NULL,
      owner_group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      created_by_user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY images_friendly (friendly_id),
      KEY images_kind (kind, name)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
