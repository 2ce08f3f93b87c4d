'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('reservations')) return;
  await db.schema.raw(`
    CREATE TABLE reservations (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      group_id CHAR(36) COLLATE utf8mb4_bin NULL,
      image_id CHAR(36) COLLATE utf8mb4_bin NULL,
      starts_at DATETIME(3) NOT NULL,
      ends_at DATETIME(3) NOT NULL,
      count INT NOT NULL,
      vcpus INT NOT NULL,
      ram_mib INT NOT NULL,
      disk_mib BIGINT NOT NULL,
      bandwidth_mbps INT NULL,
      pfv DECIMAL(12,6) NOT NULL,
      ras TINYINT NOT NULL,
      mon TINYINT NOT NULL,
      log2_r DECIMAL(20,16) NOT NULL,
      ln_e DECIMAL(20,16) NOT NULL,
      pi DECIMAL(12,6) NOT NULL,
      requested_minutes INT NOT NULL,
      moved_from DATETIME(3) NULL,
      moved_to DATETIME(3) NULL,
      moved_decision_id CHAR(36) COLLATE utf8mb4_bin NULL,
      moved_accepted TINYINT NOT NULL DEFAULT 0,
      at_risk TINYINT NOT NULL DEFAULT 0,
      series_id CHAR(36) COLLATE utf8mb4_bin NULL,
      sentence VARCHAR(1000) NOT NULL,
      created_at DATETIME(3) NOT NULL,
      changed_at DATETIME(3) NOT NULL,
      KEY reservations_state (state, starts_at),
      KEY reservations_user (user_id, state),
      KEY reservations_group (group_id, state),
      KEY reservations_series (series_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
