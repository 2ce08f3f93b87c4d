import { join, resolve } from 'node:path';

/** Where one master and one slave of the workbench keep their things: everything lies under one directory. */
export interface LabLayout {
  readonly stateDir: string;
  readonly masterConfig: string;
  readonly masterState: string;
  readonly masterLog: string;
  readonly caFile: string;
  readonly agentConfig: string;
  readonly agentState: string;
  readonly pool: string;
  readonly agentLog: string;
  readonly mirrorLog: string;
}

export function labLayout(stateDir: string): LabLayout {
  return {
    stateDir,
    masterConfig: join(stateDir, 'master.yaml'),
    masterState: join(stateDir, 'master'),
    masterLog: join(stateDir, 'master.log'),
    caFile: join(stateDir, 'master', 'tls', 'ca.crt'),
    agentConfig: join(stateDir, 'agent.yaml'),
    agentState: join(stateDir, 'agent'),
    pool: join(stateDir, 'pool'),
    agentLog: join(stateDir, 'agent.log'),
    mirrorLog: join(stateDir, 'mirror.log'),
  };
}

const packages = resolve(__dirname, '..', '..', '..');
export const masterScript = join(packages, 'master', 'dist', 'main.js');
/** The agent as it is shipped: one file. */
export const agentScript = join(packages, 'slave', 'dist', 'paravcl-slave.cjs');
