/**
 * Jest loads this before each test file when PARAVCL_MODEL_RUNS is set (`npm run test:model`): every property that names
 * no number of its own is tried that often instead of fast-check's 100 times, drawn from PARAVCL_MODEL_SEED when there is one.
 */
import fc from 'fast-check';

const { PARAVCL_MODEL_RUNS: runs, PARAVCL_MODEL_SEED: seed } = process.env;
fc.configureGlobal({ numRuns: Number(runs), ...(seed === undefined ? {} : { seed: Number(seed) }) });
