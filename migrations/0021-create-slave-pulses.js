'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('slave_pulses')) return;
  await db.schema.raw(`
    CREATE TABLE slave_pulses (
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      seen_at DATETIME(3) NOT NULL,
      load1 DOUBLE NOT NULL,
      ram_available_mib BIGINT NOT NULL,
      pool_available_mib BIGINT NOT NULL,
      clock_offset_ms DOUBLE NULL
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
