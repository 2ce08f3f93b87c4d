import type { Role } from '@paravcl/shared/domain/people';
import { lazy } from 'react';
import type { Page } from '../../shell/page';

const roles: readonly Role[] = ['teacher', 'operator', 'admin'];
const GroupPage = lazy(async () => ({ default: (await import('./groups/group-page')).GroupPage }));
const TemplatePage = lazy(async () => ({ default: (await import('./templates/template-page')).TemplatePage }));
const DeployPage = lazy(async () => ({ default: (await import('./deploy/deploy-page')).DeployPage }));

export const teachPages: readonly Page[] = [
  { path: '/groups', component: lazy(async () => ({ default: (await import('./groups/groups-page')).GroupsPage })), nav: { words: 'teach:nav.groups', section: 'teach' }, roles },
  { path: '/groups/:groupId', component: GroupPage, roles },
  { path: '/groups/:groupId/roster', component: lazy(async () => ({ default: (await import('./groups/roster-page')).RosterPage })), roles },
  { path: '/groups/:groupId/deploy', component: DeployPage, roles },
  { path: '/deploy', component: DeployPage, roles },
  { path: '/deployments', component: lazy(async () => ({ default: (await import('./class/deployments-page')).DeploymentsPage })), nav: { words: 'teach:nav.deployments', section: 'teach' }, roles },
  { path: '/deployments/:deploymentId', component: lazy(async () => ({ default: (await import('./class/class-page')).ClassPage })), roles },
  { path: '/templates', component: lazy(async () => ({ default: (await import('./templates/templates-page')).TemplatesPage })), nav: { words: 'teach:nav.templates', section: 'teach' }, roles },
  { path: '/templates/new', component: TemplatePage, roles },
  { path: '/templates/:templateId', component: TemplatePage, roles },
];
