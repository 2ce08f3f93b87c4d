/** Version of this agent, as `--version` says it and as the master is told. The same as in package.json. */
export const build = '0.1.0';
