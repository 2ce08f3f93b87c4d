import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { reconnectDelayMs } from '@paravcl/shared/protocol/reconnect';
import type { FleetOrder, FleetReport } from './fleet-orders';
import { SimulatedAgent, simulatedIdentity, type FleetTarget } from './simulated-agent';
import { waitLeftMs } from './reconnect-model';

/**
 * A process of its own that plays a fleet of agents, driven by `FleetOrder`s over its parent's channel. It ends
 * with the parent.
 */
const agents: SimulatedAgent[] = [];
let target: FleetTarget | null = null;
let liveCount = 0;
let allLiveAtMs: number | null = null;
/** Agents that were told to connect. */
let wanted = 0;
const downs = new Map<string, number>();
const waiting = new Set<NodeJS.Timeout>();
/** Heartbeats sent since the last `connect`. */
let sentBeats = 0;
/** What a master is set to by default. */
const heartbeatMs = 5000;
const slots = 20;

const events = {
  onLive: (): void => {
    liveCount++;
    if (liveCount === wanted) allLiveAtMs = Date.now();
  },
  onDown: (agent: SimulatedAgent, why: string): void => {
    downs.set(why, (downs.get(why) ?? 0) + 1);
    liveCount = agents.filter((one) => one.isLive).length;
    later(agent, reconnectDelayMs(agent.attempt++, Math.random()));
  },
};

function later(agent: SimulatedAgent, delayMs: number): void {
  const to = target;
  if (to === null) return;
  const timer = setTimeout(() => {
    waiting.delete(timer);
    if (target === to) agent.dial(to);
  }, delayMs);
  waiting.add(timer);
}

/** The first agent's load: a figure of its own, to be looked for in the database. */
let mark = 0;
/** When it was sent last, monotonic ms. Until a turn later the agent sends nothing else, so that what is in the database is this very heartbeat. */
let markedAtMs = Number.NEGATIVE_INFINITY;

/** Every agent's own heartbeat, a twentieth of the fleet at a time. */
let slot = 0;
setInterval(() => {
  const now = Date.now();
  for (let at = slot; at < agents.length; at += slots) {
    if (at === 0 && performance.now() - markedAtMs < heartbeatMs) continue;
    if (agents[at]?.heartbeat(at === 0 ? mark : 0.25, now) === true) sentBeats++;
  }
  slot = (slot + 1) % slots;
}, heartbeatMs / slots).unref();

async function obey(order: FleetOrder): Promise<FleetReport> {
  switch (order.do) {
    case 'make':
      for (let number = 0; number < order.agents; number++) agents.push(new SimulatedAgent(simulatedIdentity(number), events));
      break;
    case 'connect': {
      const secureContext = createSecureContext({ ca: readFileSync(order.caFile, 'utf8') });
      target = { host: order.host, port: order.port, path: order.path, bare: order.bare, secureContext };
      allLiveAtMs = null;
      wanted = order.to;
      if (order.from === 0) {
        liveCount = 0;
        sentBeats = 0;
        downs.clear();
      }
      for (const agent of agents.slice(order.from, order.to)) {
        agent.attempt = 10;
        later(agent, order.overMs === null ? waitLeftMs(Math.random()) : Math.random() * order.overMs);
      }
      break;
    }
    case 'hang-up':
      target = null;
      for (const timer of waiting) clearTimeout(timer);
      waiting.clear();
      for (const agent of agents) agent.hangUp();
      liveCount = 0;
      break;
    case 'beat':
      return { ...status(), ...(await beat(order.perSecond, order.seconds)) };
    case 'mark':
      [mark, markedAtMs] = [order.load1, performance.now()];
      if (agents[0]?.heartbeat(mark, Date.now()) === true) sentBeats++;
      break;
    case 'status':
  }
  return status();
}

/** Sends at an even rate, one agent after the other, in slices of 10 ms. */
async function beat(perSecond: number, seconds: number): Promise<{ readonly sent: number; readonly unsent: number }> {
  const startedAtMs = performance.now();
  let [sent, unsent] = [0, 0];
  while (sent + unsent < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - startedAtMs) / 1000) * perSecond);
    const now = Date.now();
    while (sent + unsent < due) {
      // The first agent is kept for marks, whose time to the database is measured.
      const agent = agents[1 + ((sent + unsent) % (wanted - 1))];
      if (agent?.heartbeat(0.25, now) === true) sent++;
      else unsent++;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  sentBeats += sent;
  return { sent, unsent };
}

function status(): FleetReport {
  return { live: liveCount, allLiveAtMs, downs: Object.fromEntries(downs), heard: agents.reduce((sum, agent) => sum + agent.heard, 0), sent: 0, unsent: 0, sentInAll: sentBeats };
}

process.on('message', (message: { readonly id: number; readonly order: FleetOrder }) => {
  void obey(message.order).then(
    (report) => process.send?.({ id: message.id, report }),
    (error: unknown) => process.send?.({ id: message.id, fault: String(error) }),
  );
});
// Thousands of open connections would keep it alive without the bench that it plays for.
process.on('disconnect', () => process.exit(0));
