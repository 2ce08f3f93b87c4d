import { resolve } from 'node:path';

/** Run on a host by `sh`: gives it what an installation writes to. What it takes from its environment stands in its head. */
export const ownPlacesScript = resolve(__dirname, '..', '..', 'private-host', 'own-places');
