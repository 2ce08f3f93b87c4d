'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('instances')) return;
  await db.schema.raw(`
    CREATE TABLE instances (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      name VARCHAR(63) COLLATE utf8mb4_bin NOT NULL,
      type VARCHAR(2) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      image_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      kernel_id CHAR(36) COLLATE utf8mb4_bin NULL,
      ramdisk_id CHAR(36) COLLATE utf8mb4_bin NULL,
      kernel_arguments VARCHAR(1000) NOT NULL,
      vcpus INT NOT NULL,
      ram_mib INT NOT NULL,
      disk_mib BIGINT NOT NULL,
      bandwidth_mbps INT NULL,
      ssh_public_keys MEDIUMTEXT NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
      desired VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      observed VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      generation INT NOT NULL,
      observed_generation INT NOT NULL DEFAULT 0,
      stop_forced TINYINT NOT NULL DEFAULT 0,
      reason_code VARCHAR(40) COLLATE utf8mb4_bin NULL,
      reason_sentence VARCHAR(1000) NULL,
      booted TINYINT NOT NULL DEFAULT 0,
      progress_percent INT NULL,
      mac CHAR(17) COLLATE utf8mb4_bin NULL,
      address VARCHAR(15) COLLATE utf8mb4_bin NULL,
      created_at DATETIME(3) NOT NULL,
      changed_at DATETIME(3) NOT NULL,
      deadline_at DATETIME(3) NULL,
      deleted_at DATETIME(3) NULL,
      UNIQUE KEY instances_name (name),
      KEY instances_user (user_id, created_at),
      KEY instances_slave (slave_id),
      KEY instances_observed (observed),
      KEY instances_deadline (deadline_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
