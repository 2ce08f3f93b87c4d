import * as contracts from '@paravcl/shared/api/templates';
import type { TemplateService } from '../services/template-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/templates`. */
export function templateRoutes(templates: TemplateService): readonly BoundRoute[] {
  return [
    bind(contracts.listTemplates, async ({ principal, query }) => {
      const { items, next } = await templates.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getTemplate, async ({ principal, params }) => ({ body: await templates.get(principal, params.templateId) })),
    bind(contracts.createTemplate, async (call) => ({ body: await templates.create(acting(call), call.body) })),
    bind(contracts.editTemplate, async (call) => ({ body: await templates.edit(acting(call), call.params.templateId, call.body) })),
    bind(contracts.deleteTemplate, async (call) => {
      await templates.delete(acting(call), call.params.templateId);
      return { body: undefined };
    }),
  ];
}
