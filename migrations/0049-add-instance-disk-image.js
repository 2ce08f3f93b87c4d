'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'disk_image_id')) return;
  await db.schema.raw('ALTER TABLE instances ADD COLUMN disk_image_id CHAR(36) COLLATE utf8mb4_bin NULL, ADD KEY instances_disk_image (disk_image_id)');
};
