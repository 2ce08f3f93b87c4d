'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('events')) return;
  await db.schema.raw(`
    CREATE TABLE events (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      at DATETIME(3) NOT NULL,
      kind VARCHAR(60) COLLATE utf8mb4_bin NOT NULL,
      subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NULL,
      actor VARCHAR(120) NOT NULL,
      actor_user_id CHAR(36) COLLATE utf8mb4_bin NULL,
      client_address VARCHAR(64) COLLATE utf8mb4_bin NULL,
      sentence VARCHAR(1000) NOT NULL,
      KEY events_subject (subject_id, id),
      KEY events_kind (kind, id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
