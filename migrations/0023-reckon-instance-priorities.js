'use strict';

/**
 * Instances of before there were priorities get one: nobody was asked for a machine then, nor for a group's membership
 * (RAS and MON 0), and who asked for no end asked for 14 days (20160 min), the horizon. A row whose minutes are still 0
 * has not been reckoned.
 */
exports.up = async (db) => {
  await db.raw(`
    UPDATE instances i LEFT JOIN images m ON m.id = i.image_id
    SET i.pfv = COALESCE(m.platform_value, 1),
        i.log2_r = LOG2(GREATEST(1, i.ram_mib)),
        i.ln_e = LN(GREATEST(1, COALESCE(i.minutes, 20160))),
        i.pi = ROUND(10 + 0.2 * (COALESCE(m.platform_value, 1) - LOG2(GREATEST(1, i.ram_mib)) - LN(GREATEST(1, COALESCE(i.minutes, 20160)))), 6),
        i.requested_minutes = GREATEST(1, COALESCE(i.minutes, 20160))
    WHERE i.requested_minutes = 0
  `);
};
