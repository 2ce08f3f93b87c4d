'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('fabric_numbers')) return;
  await db.schema.raw(`
    CREATE TABLE fabric_numbers (
      kind VARCHAR(8) COLLATE utf8mb4_bin NOT NULL,
      number INT UNSIGNED NOT NULL,
      subject_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      tid INT UNSIGNED NULL,
      PRIMARY KEY (kind, number),
      UNIQUE KEY fabric_numbers_subject (kind, subject_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
