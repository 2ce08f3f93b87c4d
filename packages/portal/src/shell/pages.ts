import { accountPages } from '../pages/account/pages';
import { consolePages } from '../pages/console/pages';
import { fleetPages } from '../pages/fleet/pages';
import { homePages } from '../pages/home/pages';
import { imagesPages } from '../pages/images/pages';
import { launchPages } from '../pages/launch/pages';
import { machinePages } from '../pages/machine/pages';
import { monitorPages } from '../pages/monitor/pages';
import { noticesPages } from '../pages/notices/pages';
import { peoplePages } from '../pages/people/pages';
import { reservePages } from '../pages/reserve/pages';
import { teachPages } from '../pages/teach/pages';
import type { Page } from './page';

/** Every page of who is logged in, in the order of the navigation. */
export const pages: readonly Page[] = [...homePages, ...launchPages, ...machinePages, ...reservePages, ...consolePages, ...teachPages, ...fleetPages, ...imagesPages, ...peoplePages, ...monitorPages, ...noticesPages, ...accountPages];
