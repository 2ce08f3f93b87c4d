import { getPolicy, getSite, getSiteDetails, tryPolicy, type PolicySection, type RuleTrial } from '@paravcl/shared/api/site';
import type { z } from 'zod';
import type { UnitOfWork } from '../db/unit-of-work';
import { bind, type BoundRoute } from './binding';

export interface SiteRoutesDeps {
  readonly unit: UnitOfWork;
  readonly details: z.input<typeof getSiteDetails.answer.schema>;
  readonly policy: { readonly preset: string; readonly sections: readonly PolicySection[] };
  readonly tryRules: (lines: string) => RuleTrial;
}

/** `/site`, before and after a login, and `/policy`. */
export function siteRoutes({ unit: { read }, details, policy, tryRules }: SiteRoutesDeps): readonly BoundRoute[] {
  return [
    bind(getSite, async () => {
      const [hasAdmin, registrationOpen] = await Promise.all([read.users.adminExists(), read.groups.anyEnrolmentCode()]);
      return { body: { name: details.name, needsSetup: !hasAdmin, registrationOpen } };
    }),
    bind(getSiteDetails, () => Promise.resolve({ body: details })),
    bind(getPolicy, () => Promise.resolve({ body: { preset: policy.preset, sections: [...policy.sections] } })),
    bind(tryPolicy, ({ body }) => Promise.resolve({ body: tryRules(body.rules) })),
  ];
}
