'use strict';

/** Ids begin with their time, so old decisions are found by them; an index less to be written with every placement. */
exports.up = async (db) => {
  const [keys] = await db.raw("SHOW INDEX FROM decisions WHERE Key_name = 'decisions_at'");
  if (keys.length > 0) await db.schema.raw('ALTER TABLE decisions DROP KEY decisions_at');
};
