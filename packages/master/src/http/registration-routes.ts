import { register } from '@paravcl/shared/api/registrations';
import { createFirstAdmin } from '@paravcl/shared/api/setup';
import type { RegistrationService } from '../services/registration-service';
import { bind, type BoundRoute } from './binding';

export interface RegistrationRoutesDeps {
  readonly registrations: RegistrationService;
}

export function registrationRoutes({ registrations }: RegistrationRoutesDeps): BoundRoute[] {
  return [
    bind(createFirstAdmin, async ({ body, clientAddress }) => ({ body: await registrations.createFirstAdmin(body.token, body, clientAddress) })),
    bind(register, async ({ body, clientAddress }) => ({ body: await registrations.register(body.enrolmentCode, body, clientAddress) })),
  ];
}
