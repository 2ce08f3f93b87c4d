import { ParavclError } from '@paravcl/shared/errors';
import { isLastingFault } from './lasting-fault';

const said = (facts: object, name = 'Error'): Error => Object.assign(new Error('…'), { name }, facts);

test('a value that the server refuses will be refused again', () => {
  expect(isLastingFault(said({ sqlState: '22003', code: 'ER_WARN_DATA_OUT_OF_RANGE' }))).toBe(true);
  expect(isLastingFault(said({ sqlState: '22001', code: 'ER_DATA_TOO_LONG' }))).toBe(true);
  expect(isLastingFault(new TypeError('undefined is not a function'))).toBe(true);
  expect(isLastingFault(new ParavclError('internal', 'Instance x has no address.'))).toBe(true);
});

test('a database that is away, busy or full is not for ever, nor is a race for a key', () => {
  expect(isLastingFault(said({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true }))).toBe(false);
  expect(isLastingFault(said({ code: 'ECONNREFUSED', errno: -111 }))).toBe(false);
  expect(isLastingFault(said({}, 'KnexTimeoutError'))).toBe(false);
  expect(isLastingFault(new ParavclError('not-ready', 'The disk is full.'))).toBe(false);
  expect(isLastingFault(said({ sqlState: '40001', code: 'ER_LOCK_DEADLOCK' }))).toBe(false);
  expect(isLastingFault(said({ sqlState: 'HY000', code: 'ER_DISK_FULL' }))).toBe(false);
  expect(isLastingFault(said({ sqlState: '23000', code: 'ER_DUP_ENTRY' }))).toBe(false);
});
