'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('fabric_types')) return;
  await db.schema.raw(`
    CREATE TABLE fabric_types (
      tid INT UNSIGNED NOT NULL PRIMARY KEY,
      name VARCHAR(100) COLLATE utf8mb4_bin NOT NULL,
      vcpus INT NOT NULL,
      ram_mib INT NOT NULL,
      disk_mib INT NOT NULL,
      retired TINYINT NOT NULL DEFAULT 0
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
