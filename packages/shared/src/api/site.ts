import { z } from 'zod';
import { route } from './route';

export const getSite = route({
  method: 'get',
  path: '/site',
  summary: 'Whose lab this is; open to anybody because it stands above the login',
  action: 'public',
  answer: {
    status: 200,
    schema: z.object({
      name: z.string(),
      /** There is no administrator yet: the next step is the setup token. */
      needsSetup: z.boolean(),
      /** Whether people may register themselves: some group has an enrolment code. */
      registrationOpen: z.boolean(),
    }),
  },
});

export const getSiteDetails = route({
  method: 'get',
  path: '/site/details',
  summary: 'What a page must know about the site: zone, version, how long a launch may last',
  action: 'authenticated',
  answer: {
    status: 200,
    schema: z.object({
      name: z.string(),
      /** IANA zone in which the site tells times. */
      timeZone: z.string(),
      version: z.string(),
      placementPolicy: z.string(),
      /** How long students and teachers may ask an instance to run. */
      minutes: z.object({ min: z.int(), max: z.int(), default: z.int() }),
      /** What an image that names no sizes of its own is launched with. */
      guests: z.object({ vcpus: z.int(), ramMiB: z.int() }),
      /** A home volume that everybody gets; 0: nobody. */
      homeMiB: z.int(),
    }),
  },
});

const valueSchema = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);

export const policySectionSchema = z
  .object({
    name: z.string(),
    /** What the section decides, in a sentence. */
    sentence: z.string(),
    /** As they are in force, defaults and preset included. Null: no limit, or never. */
    values: z.array(z.object({ /** As in the master's configuration file: `limits.instancesPerUser`. */ option: z.string(), value: valueSchema })),
  })
  .readonly();
export type PolicySection = z.infer<typeof policySectionSchema>;

export const getPolicy = route({
  method: 'get',
  path: '/policy',
  summary: 'The rules and limits of the site as they are in force, with the option that sets each',
  action: 'policy.see',
  answer: { status: 200, schema: z.object({ preset: z.string(), sections: z.array(policySectionSchema) }) },
});

export const ruleTrialSchema = z
  .object({
    /** What is wrong, option first. With any, the master would not start. */
    faults: z.array(z.string()),
    /** What would be another after the next start; a value that is left out is not set. */
    changes: z.array(z.object({ option: z.string(), now: valueSchema.optional(), then: valueSchema.optional() })),
  })
  .readonly();
export type RuleTrial = z.infer<typeof ruleTrialSchema>;

export const tryPolicy = route({
  method: 'post',
  path: '/policy/trials',
  summary: 'What these lines, laid over the configuration file as it is now, would change at the next start; sets nothing',
  action: 'policy.try',
  body: z.object({
    /** YAML as in the master's configuration file, of its sections that are rules of the site. */
    rules: z.string().max(65_536),
  }),
  answer: { status: 200, schema: ruleTrialSchema },
});
