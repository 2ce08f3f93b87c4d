'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('slave_presence')) return;
  await db.schema.raw(`
    CREATE TABLE slave_presence (
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      day CHAR(10) COLLATE utf8mb4_bin NOT NULL,
      online_ms BIGINT NOT NULL,
      PRIMARY KEY (slave_id, day),
      KEY slave_presence_day (day)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
