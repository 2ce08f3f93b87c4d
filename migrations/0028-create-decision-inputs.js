'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('decision_inputs')) return;
  await db.schema.raw(`
    CREATE TABLE decision_inputs (
      hash CHAR(64) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      body MEDIUMBLOB NOT NULL,
      created_at DATETIME(3) NOT NULL,
      KEY decision_inputs_created (created_at)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
