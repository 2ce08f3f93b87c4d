'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('instance_transitions')) return;
  await db.schema.raw(`
    CREATE TABLE instance_transitions (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      at DATETIME(3) NOT NULL,
      generation INT NOT NULL,
      desired VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      from_state VARCHAR(16) COLLATE utf8mb4_bin NULL,
      to_state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
      reason_code VARCHAR(40) COLLATE utf8mb4_bin NULL,
      reason_sentence VARCHAR(1000) NULL,
      caused_by VARCHAR(120) NOT NULL,
      KEY instance_transitions_instance (instance_id, id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
