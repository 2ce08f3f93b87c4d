import type { IncomingMessage } from 'node:http';
import { cookieToken, endedSessionCookie, sessionCookie } from './session-cookie';

const sent = (cookie?: string): IncomingMessage => ({ headers: cookie === undefined ? {} : { cookie } }) as IncomingMessage;

test('the cookie meets what __Host- asks for and ends with the session', () => {
  expect(sessionCookie('pvs_x', 90_500, 30_000)).toBe('__Host-paravcl=pvs_x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60');
  expect(endedSessionCookie).toContain('Max-Age=0');
});

test('the token is found among other cookies; none, an empty one or two are nobody', () => {
  expect(cookieToken(sent('a=b; __Host-paravcl=pvs_x;c=d'))).toBe('pvs_x');
  expect(cookieToken(sent('x__Host-paravcl=pvs_x'))).toBeNull();
  expect(cookieToken(sent('__Host-paravcl='))).toBeNull();
  expect(cookieToken(sent('__Host-paravcl=pvs_x; __Host-paravcl=pvs_y'))).toBeNull();
  expect(cookieToken(sent())).toBeNull();
});
