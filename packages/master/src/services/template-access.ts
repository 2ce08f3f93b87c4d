import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import type { TemplateRecord, TemplatesOf } from '../repositories/template-repository';
import { may, reach, type Subject } from './policy';

/** As which of the templates lists are filtered; undefined: all. */
export function templatesOf(principal: Principal): TemplatesOf | undefined {
  return reach(principal, 'template.list') === 'any' ? undefined : { userId: principal.userId, groupIds: [...principal.groupIds, ...principal.ownedGroupIds] };
}

/** Everybody, when it names no groups; else the people of its groups, besides those who may change it. */
export function mayUseTemplate(principal: Principal, template: TemplateRecord): boolean {
  if (may(principal, 'template.see', templateSubject(template)) || template.groupIds.length === 0) return true;
  return [...principal.groupIds, ...principal.ownedGroupIds].some((id) => id === template.ownerGroupId || template.groupIds.includes(id));
}

/** It is its maker's, and its owner group's teacher's. */
export function templateSubject({ createdByUserId, ownerGroupId }: TemplateRecord): Subject {
  return { ownerUserId: createdByUserId, groupId: ownerGroupId };
}

/** Also for what is there and not to be used. */
export function missingTemplate(id: string): ParavclError {
  return new ParavclError('not-found', `There is no template ${id}, or it is not yours to use.`, { field: 'templateId', limit: 'an existing template' });
}
