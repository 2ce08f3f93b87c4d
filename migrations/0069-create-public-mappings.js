'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('public_mappings')) return;
  await db.schema.raw(`
    CREATE TABLE public_mappings (
      id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
      instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      kind VARCHAR(16) COLLATE utf8mb4_bin NOT NULL,
      address VARCHAR(15) COLLATE utf8mb4_bin NULL,
      transport VARCHAR(8) COLLATE utf8mb4_bin NULL,
      public_port INT NULL,
      guest_port INT NULL,
      leaving_generation INT NULL,
      created_at DATETIME(3) NOT NULL,
      UNIQUE KEY public_mappings_address (address),
      UNIQUE KEY public_mappings_port (transport, public_port),
      UNIQUE KEY public_mappings_guest_port (instance_id, transport, guest_port)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
