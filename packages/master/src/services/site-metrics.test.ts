import type { MonitoredSlave } from '@paravcl/shared/api/monitoring';
import { systemClock, type Clock } from '@paravcl/shared/clock';
import { Registry } from 'prom-client';
import { mostSlavesShown, registerSiteMetrics, type SiteMetricsDeps } from './site-metrics';
import { registerWorkMetrics } from './work-metrics';

const nothing = { lent: 0, promised: 0, available: 0 };
const slave = (name: string): MonitoredSlave => ({
  id: name, name, kind: 'dedicated', admission: 'approved', liveness: 'lost', takesGuests: false, troubled: true, sentence: '', applications: [], deployed: 0, running: 0, usersConnected: 0, connectionsUsed: 0, connectionsMost: 0,
  vcpus: { lent: 4, promised: 1 }, ramMiB: nothing, diskMiB: nothing, bandwidthMbps: { lent: null, promised: 0 }, cores: 4, relativeSpeed: 1, load1: 0.5, violations: { atRisk: 0, late: 0, lost: 0, short: 0 },
});

function registered(slaves: readonly MonitoredSlave[], more: Partial<SiteMetricsDeps> = {}, monotonicMs: () => number = () => 0): { readonly registry: Registry; readonly asked: () => number; readonly faults: unknown[] } {
  let asked = 0;
  const faults: unknown[] = [];
  const registry = new Registry();
  const clock: Clock = { ...systemClock, now: () => 100_000, monotonicMs };
  registerSiteMetrics(registry, {
    clock,
    books: { instancesByState: () => Promise.resolve(new Map([['running', 3]])), reservationsByState: () => Promise.resolve(new Map()), queue: () => (asked++, Promise.resolve({ length: 2, oldestAt: 40_000 })) },
    monitoring: {
      now: () => Promise.resolve({
        at: 0, ramTotalMiB: new Map(), slaves: [...slaves],
        site: { slaves: 1, slavesTakingGuests: 1, queued: 2, deployed: 3, running: 3, usersConnected: 1, connectionsUsed: 1, connectionsMost: 1, vcpus: { lent: 8, promised: 6 }, ramMiB: { lent: 2, promised: 1, available: 0 }, diskMiB: nothing, violations: { atRisk: 1, late: 0, lost: 0, short: 0 } },
      }),
    },
    connections: { everyone: [{ kind: 'serial' }] }, feedListeners: () => 7, isReady: () => Promise.resolve(true), storeDirectory: '/', certificateUntil: () => 5000, onFault: (error) => faults.push(error),
    ...more,
  });
  return { registry, asked: () => asked, faults };
}

describe('what Prometheus is told of the site', () => {
  it('are the numbers of the books, asked once in five seconds', async () => {
    let ms = 0;
    const { registry, asked } = registered([slave('pc-1')], {}, () => ms);
    const text = await registry.metrics();
    for (const line of [
      'paravcl_instances{state="running"} 3', 'paravcl_instances{state="queued"} 0', 'paravcl_slaves{admission="approved",liveness="lost"} 1', 'paravcl_pool_vcpus{what="free"} 2', 'paravcl_pool_ram_bytes{what="lent"} 2097152',
      'paravcl_queue_length 2', 'paravcl_queue_oldest_wait_seconds 60', 'paravcl_violations{kind="at-risk"} 1', 'paravcl_slave_lost{slave="pc-1"} 1', 'paravcl_connections{kind="serial"} 1', 'paravcl_connections{kind="screen"} 0', 'paravcl_feed_listeners 7', 'paravcl_ready 1',
      'paravcl_certificate_expiry_timestamp_seconds 5',
    ]) expect(text.split('\n')).toContain(line);
    await registry.metrics();
    expect(asked()).toBe(1);
    ms = 5000;
    await registry.metrics();
    expect(asked()).toBe(2);
  });

  it('has no series of single slaves where there are very many', async () => {
    const { registry } = registered(Array.from({ length: mostSlavesShown + 1 }, (_, index) => slave(`pc-${index}`)));
    const text = await registry.metrics();
    expect(text).not.toContain('slave="pc-');
    expect(text).toContain(`paravcl_slaves{admission="approved",liveness="lost"} ${mostSlavesShown + 1}`);
  });

  it('leaves out what cannot be read, and still tells that the master is not ready', async () => {
    const { registry, faults } = registered([], { isReady: () => Promise.resolve(false), monitoring: { now: () => Promise.reject(new Error('The database is away.')) } });
    const text = await registry.metrics();
    expect(text).toContain('paravcl_ready 0');
    expect(text).not.toMatch(/^paravcl_(queue_length|instances)[ {]/m);
    expect(faults).toHaveLength(1);
  });

  it('counts work by route and class of status, and no more', async () => {
    const registry = new Registry();
    const work = registerWorkMetrics(registry);
    work.answered('get', '/slaves/:slaveId', 404, 0.02);
    work.connected('port');
    work.sshLoggedIn();
    work.scheduled(0.3);
    const lines = (await registry.metrics()).split('\n');
    expect(lines).toContain('paravcl_http_request_duration_seconds_count{method="get",route="/slaves/:slaveId",status_class="4xx"} 1');
    expect(lines).toContain('paravcl_connections_opened_total{kind="port"} 1');
    expect(lines).toContain('paravcl_connections_opened_total{kind="screen"} 0');
    expect(lines).toContain('paravcl_ssh_logins_total 1');
    expect(lines).toContain('paravcl_scheduler_round_duration_seconds_bucket{le="0.5"} 1');
  });
});
