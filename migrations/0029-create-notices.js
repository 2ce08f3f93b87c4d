'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('notices')) return;
  await db.schema.raw(`
    CREATE TABLE notices (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      user_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      at DATETIME(3) NOT NULL,
      kind VARCHAR(40) COLLATE utf8mb4_bin NOT NULL,
      subject_type VARCHAR(20) COLLATE utf8mb4_bin NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      sentence VARCHAR(1000) NOT NULL,
      decision_id CHAR(36) COLLATE utf8mb4_bin NULL,
      read_at DATETIME(3) NULL,
      mailed_at DATETIME(3) NULL,
      KEY notices_user (user_id, id),
      KEY notices_mailed (mailed_at, at),
      KEY notices_at (at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
