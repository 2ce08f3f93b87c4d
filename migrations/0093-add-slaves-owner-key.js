'use strict';

/** Every launch asks which hosts its owner brought: without it all are read for that. */
exports.up = async (db) => {
  const [keys] = await db.raw("SHOW INDEX FROM slaves WHERE Key_name = 'slaves_owner'");
  if (keys.length === 0) await db.schema.raw('ALTER TABLE slaves ADD KEY slaves_owner (owner_user_id)');
};
