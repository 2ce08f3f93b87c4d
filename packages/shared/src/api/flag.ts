import { z } from 'zod';

/** Yes or no in an address, as JSON writes it and no other way. */
export const flagSchema = z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive', error: 'must be true or false' });
