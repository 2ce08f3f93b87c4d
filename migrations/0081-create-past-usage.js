'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('past_usage')) return;
  await db.schema.raw(`
    CREATE TABLE past_usage (
      kind VARCHAR(5) COLLATE utf8mb4_bin NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      core_hours DOUBLE NOT NULL,
      counted_at DATETIME(3) NOT NULL,
      PRIMARY KEY (kind, subject_id),
      KEY past_usage_counted (counted_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
