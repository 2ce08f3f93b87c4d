'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('live_migrations')) return;
  await db.schema.raw(`
    CREATE TABLE live_migrations (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      open_of CHAR(36) COLLATE utf8mb4_bin NULL,
      evacuation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      from_slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      to_slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      ticket CHAR(43) COLLATE utf8mb4_bin NULL,
      arrival_generation INT NOT NULL,
      sent_generation INT NULL,
      state VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      source_said VARCHAR(16) COLLATE utf8mb4_bin NULL,
      source_why VARCHAR(1000) NULL,
      destination_said VARCHAR(16) COLLATE utf8mb4_bin NULL,
      destination_why VARCHAR(1000) NULL,
      sentence VARCHAR(1000) NULL,
      started_at DATETIME(3) NOT NULL,
      deadline_at DATETIME(3) NOT NULL,
      ended_at DATETIME(3) NULL,
      UNIQUE KEY live_migrations_open (open_of),
      KEY live_migrations_evacuation (evacuation_id),
      KEY live_migrations_to (to_slave_id, state)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
