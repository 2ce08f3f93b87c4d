'use strict';

exports.up = async (db) => {
  if (await db.schema.hasColumn('instances', 'ram_image_id')) return;
  await db.schema.raw(
    `ALTER TABLE instances
       ADD COLUMN ram_image_id CHAR(36) COLLATE utf8mb4_bin NULL,
       ADD COLUMN ram_saved_on VARCHAR(300) COLLATE utf8mb4_bin NULL,
       ADD KEY instances_ram_image (ram_image_id)`,
  );
};
