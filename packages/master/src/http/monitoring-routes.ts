import { getMonitoring, getMonitoringHistory, listSlaViolations } from '@paravcl/shared/api/monitoring';
import type { MonitoringService } from '../services/monitoring-service';
import type { SlaService } from '../services/sla-service';
import { bind, type BoundRoute } from './binding';

/** `/monitoring`, for who runs the site, and `/sla-violations`. */
export function monitoringRoutes(monitoring: MonitoringService, sla: Pick<SlaService, 'list'>): readonly BoundRoute[] {
  return [
    bind(getMonitoring, async () => {
      const { at, site, slaves } = await monitoring.now();
      return { body: { at: new Date(at).toISOString(), site, slaves } };
    }),
    bind(getMonitoringHistory, async ({ query }) => ({ body: await monitoring.past(query.slaveId ?? null, query.hours) })),
    bind(listSlaViolations, async ({ principal, query }) => {
      const { items, next } = await sla.list(principal, query);
      return { body: { items: [...items], next } };
    }),
  ];
}
