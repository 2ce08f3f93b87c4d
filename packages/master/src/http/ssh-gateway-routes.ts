import { getSshGateway, type SshGatewayAnswer } from '@paravcl/shared/api/ssh-gateway';
import { bind, type BoundRoute } from './binding';

/** `/ssh-gateway`: what the portal tells people to paste. */
export function sshGatewayRoutes(standing: () => SshGatewayAnswer): readonly BoundRoute[] {
  return [bind(getSshGateway, () => Promise.resolve({ body: standing() }))];
}
