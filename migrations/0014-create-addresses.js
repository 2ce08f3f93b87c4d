'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('addresses')) return;
  await db.schema.raw(`
    CREATE TABLE addresses (
      address VARCHAR(15) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      mac CHAR(17) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY addresses_mac (mac),
      UNIQUE KEY addresses_instance (instance_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
