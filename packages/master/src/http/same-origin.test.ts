import { foreignOrigin, requireSameOrigin } from './same-origin';

const host = 'lab.example:8443';
const own = 'https://lab.example:8443';
const passes = (method: string, headers: Record<string, string>, by: 'cookie' | 'bearer' | null): boolean => {
  try {
    requireSameOrigin(method, { host, ...headers }, by);
    return true;
  } catch {
    return false;
  }
};

test.each([
  ['POST', { origin: own }, true],
  ['POST', { 'sec-fetch-site': 'same-origin' }, true],
  ['POST', { origin: own, 'sec-fetch-site': 'same-origin' }, true],
  ['DELETE', { origin: own.toUpperCase().replace('HTTPS', 'https') }, true],
  ['POST', {}, false],
  ['POST', { origin: 'https://evil.example' }, false],
  ['POST', { origin: 'https://lab.example' }, false],
  ['POST', { origin: 'http://lab.example:8443' }, false],
  ['POST', { origin: 'https://lab.example:8443.evil.example' }, false],
  ['POST', { origin: 'null' }, false],
  ['POST', { 'sec-fetch-site': 'cross-site' }, false],
  ['POST', { 'sec-fetch-site': 'same-site' }, false],
  ['PATCH', { origin: own, 'sec-fetch-site': 'cross-site' }, false],
  ['PUT', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }, false],
  ['GET', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, true],
] as const)('by cookie, %s with %j passes: %s', (method, headers, expected) => {
  expect(passes(method, headers, 'cookie')).toBe(expected);
});

test('a bearer token passes from anywhere, for no browser adds one by itself', () => {
  expect(passes('DELETE', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 'bearer')).toBe(true);
});

test('nobody may be logged in by a foreign page, and a program without a browser passes', () => {
  expect(passes('POST', { origin: 'https://evil.example' }, null)).toBe(false);
  expect(passes('POST', { 'sec-fetch-site': 'cross-site' }, null)).toBe(false);
  expect(passes('POST', {}, null)).toBe(true);
});

test('a default port is the same origin said or unsaid', () => {
  expect(() => requireSameOrigin('POST', { host: 'lab.example', origin: 'https://lab.example:443' }, 'cookie')).not.toThrow();
});

test.each([
  ['a browser on a page of ours', { origin: 'https://lab.example:8443' }, 'cookie', true],
  ['a browser on another page', { origin: 'https://evil.example' }, 'cookie', false],
  ['a page of the same host at another port', { origin: 'https://lab.example' }, 'cookie', false],
  ['the same page without TLS', { origin: 'http://lab.example:8443' }, 'cookie', false],
  ['a page that is nobody’s', { origin: 'null' }, 'cookie', false],
  ['a cookie without Origin', {}, 'cookie', false],
  ['a program with a token', {}, 'bearer', true],
  ['a token that is sent from another page', { origin: 'https://evil.example' }, 'bearer', false],
  ['nobody from another page', { origin: 'https://evil.example' }, null, false],
] as const)('a WebSocket: %s', (_who, headers, by, isAllowed) => {
  expect(foreignOrigin({ host: 'lab.example:8443', ...headers }, by) === null).toBe(isAllowed);
});
