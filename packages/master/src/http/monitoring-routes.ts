import { getMonitoring, getMonitoringHistory } from '@paravcl/shared/api/monitoring';
import type { MonitoringService } from '../services/monitoring-service';
import { bind, type BoundRoute } from './binding';

/** `/monitoring`, for who runs the site. */
export function monitoringRoutes(monitoring: MonitoringService): readonly BoundRoute[] {
  return [
    bind(getMonitoring, async () => {
      const { at, site, slaves } = await monitoring.now();
      return { body: { at: new Date(at).toISOString(), site, slaves } };
    }),
    bind(getMonitoringHistory, async ({ query }) => ({ body: await monitoring.past(query.slaveId ?? null, query.hours) })),
  ];
}
