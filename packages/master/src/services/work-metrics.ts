import { connectionKindSchema, type ConnectionKind } from '@paravcl/shared/domain/connection';
import { Counter, Histogram, type Registry } from 'prom-client';

/** What is counted as it happens. */
export interface WorkMetrics {
  /** @param route the path of its contract, with the names of its parameters: there are as many as routes */
  readonly answered: (method: string, route: string, status: number, seconds: number) => void;
  readonly scheduled: (seconds: number) => void;
  readonly drifted: (slaves: number) => void;
  readonly connected: (kind: ConnectionKind) => void;
  readonly sshLoggedIn: () => void;
}

/** Work of the master as it is done: requests, rounds of the scheduler, connections, logins. */
export function registerWorkMetrics(registry: Registry): WorkMetrics {
  const requests = new Histogram({
    name: 'paravcl_http_request_duration_seconds', help: 'From a request of the API to the end of its answer, by route and class of status.',
    labelNames: ['method', 'route', 'status_class'], buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60], registers: [registry],
  });
  const rounds = new Histogram({ name: 'paravcl_scheduler_round_duration_seconds', help: 'A round of the scheduler: load, decide, commit, tell.', buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60], registers: [registry] });
  const drift = new Counter({ name: 'paravcl_scheduler_drifted_hosts_total', help: 'Hosts that the scheduler found other than it thought, though nobody had said that they changed.', registers: [registry] });
  const opened = new Counter({ name: 'paravcl_connections_opened_total', help: 'Connections to guests opened since the start, by kind: screens, serial consoles, ports by SSH.', labelNames: ['kind'], registers: [registry] });
  // There from the start, so that their first is an increase.
  for (const kind of connectionKindSchema.options) opened.inc({ kind }, 0);
  const logins = new Counter({ name: 'paravcl_ssh_logins_total', help: 'Logins at the SSH gateway since the start.', registers: [registry] });
  return {
    answered: (method, route, status, seconds) => { requests.observe({ method, route, status_class: `${Math.floor(status / 100)}xx` }, seconds); },
    scheduled: (seconds) => { rounds.observe(seconds); },
    drifted: (slaves) => { drift.inc(slaves); },
    connected: (kind) => { opened.inc({ kind }); },
    sshLoggedIn: () => { logins.inc(); },
  };
}
