'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('sla_violations')) return;
  await db.schema.raw(`
    CREATE TABLE sla_violations (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      open_of CHAR(36) COLLATE utf8mb4_bin NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      began_at DATETIME(3) NOT NULL,
      ended_at DATETIME(3) NULL,
      worst_missing DOUBLE NOT NULL,
      sentence VARCHAR(1000) NOT NULL,
      UNIQUE KEY sla_violations_open (open_of),
      KEY sla_violations_instance (instance_id, id),
      KEY sla_violations_slave (slave_id, id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
