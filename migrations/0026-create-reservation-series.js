'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('reservation_series')) return;
  await db.schema.raw(`
    CREATE TABLE reservation_series (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      reservation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      next_start CHAR(16) COLLATE utf8mb4_bin NULL,
      until_date CHAR(10) COLLATE utf8mb4_bin NOT NULL,
      minutes INT NOT NULL,
      created_at DATETIME(3) NOT NULL,
      KEY reservation_series_next (next_start)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
