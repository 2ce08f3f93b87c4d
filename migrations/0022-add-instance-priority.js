'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'pi')) return;
  await db.schema.raw(`
    ALTER TABLE instances
      ADD COLUMN pfv DECIMAL(12,6) NOT NULL DEFAULT 0,
      ADD COLUMN ras TINYINT NOT NULL DEFAULT 0,
      ADD COLUMN mon TINYINT NOT NULL DEFAULT 0,
      ADD COLUMN log2_r DECIMAL(20,16) NOT NULL DEFAULT 0,
      ADD COLUMN ln_e DECIMAL(20,16) NOT NULL DEFAULT 0,
      ADD COLUMN pi DECIMAL(12,6) NOT NULL DEFAULT 0,
      ADD COLUMN requested_minutes INT NOT NULL DEFAULT 0,
      ADD COLUMN reservation_id CHAR(36) COLLATE utf8mb4_bin NULL,
      ADD COLUMN queued_at DATETIME(3) NULL,
      ADD COLUMN queued_because VARCHAR(16) COLLATE utf8mb4_bin NULL,
      ADD COLUMN nominated_slave_id CHAR(36) COLLATE utf8mb4_bin NULL,
      ADD COLUMN preemptions INT NOT NULL DEFAULT 0,
      ADD COLUMN preempted_on CHAR(10) COLLATE utf8mb4_bin NULL,
      ADD KEY instances_queued (queued_at),
      ADD KEY instances_reservation (reservation_id)
  `);
};
