import type { Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ImpossibleReport } from './services/observation-service';
import type { OnRecovery } from './services/recovery-paths';
import { registerWorkMetrics, type WorkMetrics } from './services/work-metrics';
import type { AgentGateway } from './ws/agent-gateway';

export interface ComposedMetrics {
  readonly registry: Registry;
  readonly work: WorkMetrics;
  readonly onRecovery: OnRecovery;
  readonly onImpossible: (report: ImpossibleReport) => void;
  /** What the process and the link to the agents say of themselves. */
  gauges(gateway: Pick<AgentGateway, 'size' | 'heartbeats'>): void;
}

/** What Prometheus reads of the master's own work; what is of the site is added by `registerSiteMetrics`. */
export function composeMetrics(log: Logger): ComposedMetrics {
  const registry = new Registry();
  const work = registerWorkMetrics(registry);
  return { registry, work, onRecovery: recoveryCount(registry, log), onImpossible: impossibleCount(registry, log), gauges: (gateway) => { registerGauges(registry, gateway); } };
}

function impossibleCount(registry: Registry, log: Logger): ComposedMetrics['onImpossible'] {
  const count = new Counter({
    name: 'paravcl_impossible_reports_total',
    help: 'Reports of hosts that could not follow the known state of the instance.',
    labelNames: ['from', 'to'],
    registers: [registry],
  });
  return (report) => {
    count.inc({ from: report.from, to: report.to });
    log.warn(report, 'a host reported a state that cannot follow the known one; it is not taken over');
  };
}

function recoveryCount(registry: Registry, log: Logger): OnRecovery {
  const count = new Counter({
    name: 'paravcl_recovery_paths_total',
    help: 'Recovery paths taken: what is done only when something died, was lost or came twice.',
    labelNames: ['path'],
    registers: [registry],
  });
  return (path, fields) => {
    count.inc({ path });
    log.info({ recovery: path, ...fields }, 'a recovery path was taken');
  };
}

function registerGauges(registry: Registry, gateway: Pick<AgentGateway, 'size' | 'heartbeats'>): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'paravcl_agents_connected',
    help: 'Agents connected now, proven or not.',
    registers: [registry],
    collect() {
      this.set(gateway.size);
    },
  });
  new Counter({
    name: 'paravcl_heartbeats_total',
    help: 'Heartbeats of agents accepted since the start.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(gateway.heartbeats);
    },
  });
}
