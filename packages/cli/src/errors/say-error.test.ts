import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import { wrongUsage } from './refusal';
import { sayError } from './say-error';

const circumstances = { origin: 'https://lab:8443', byEnvironment: false, noun: 'instances', list: 'paravcl instances list', command: 'instances show' };
const failed = (code: string): Error => Object.assign(new Error('it failed'), { code });

it('names the next command to try', () => {
  const tries = (['unauthenticated', 'not-found', 'quota-exceeded', 'forbidden', 'invalid-input'] as const).map((code) => sayError(new ApiProblem({ status: 400, code, detail: 'No.' }), circumstances).error.try);
  expect(tries).toEqual(['paravcl login https://lab:8443', 'paravcl instances list', 'paravcl usage', 'paravcl whoami', 'paravcl instances show --help']);
});

it('does not send who uses a token to the login', () => {
  expect(sayError(new ApiProblem({ status: 401, code: 'unauthenticated', detail: 'No.' }), { ...circumstances, byEnvironment: true }).error.try).toMatch(/PARAVCL_TOKEN/);
});

it('tells a CA that is another from a master that does not answer', () => {
  const say = (code: string): string => sayError(new NoAnswer('unreachable', 0, { cause: failed(code) }), circumstances).error.detail;
  expect(say('SELF_SIGNED_CERT_IN_CHAIN')).toMatch(/not signed by the CA that you trusted.*nothing was sent/);
  expect(say('ECONNREFUSED')).toMatch(/does not answer.*nothing listens there/);
  expect(sayError(new NoAnswer('strange'), circumstances).error.detail).toMatch(/is not a ParaVCL master/);
});

it('ends wrong usage with 2, and everything else with 1', () => {
  expect([wrongUsage('no'), new Error('no'), new NoAnswer('strange')].map((error) => sayError(error, circumstances).exitCode)).toEqual([2, 1, 1]);
});

it('says of an answer that it does not understand whose it is, not what broke here', () => {
  const broken = (() => { try { return (null as unknown as { name: string }).name; } catch (error) { return error; } })();
  for (const error of [broken, new RangeError('Invalid time value')]) expect(sayError(error, circumstances)).toMatchObject({ exitCode: 1, error: { detail: expect.stringMatching(/^What answers at https:\/\/lab:8443 is not a master that this program understands/) as unknown, try: 'paravcl doctor' } });
});
