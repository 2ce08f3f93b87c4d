'use strict';

exports.up = async (db) => {
  if (await db.schema.hasTable('bookings')) return;
  await db.schema.raw(`
    CREATE TABLE bookings (
      reservation_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      slot INT NOT NULL,
      slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL,
      instance_id CHAR(36) COLLATE utf8mb4_bin NULL,
      PRIMARY KEY (reservation_id, slot),
      UNIQUE KEY bookings_instance (instance_id),
      KEY bookings_slave (slave_id)
    ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci
  `);
};
