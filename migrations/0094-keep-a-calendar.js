'use strict';

/**
 * The row that stands for the calendar is there from the first day on: what is not there cannot be locked, and a launch that shares it would not
 * be waited for by the first reservation of a site.
 */
exports.up = (db) => db.schema.raw("INSERT IGNORE INTO settings (name, value) VALUES ('calendar', UUID())");
