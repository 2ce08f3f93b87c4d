import { utils } from 'ssh2';
import { newPrivateKey } from './host-key';

test('every host key that is made can be read', () => {
  for (let made = 0; made < 1500; made++) expect(utils.parseKey(newPrivateKey())).not.toBeInstanceOf(Error);
}, 60_000);
