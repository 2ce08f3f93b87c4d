import * as contracts from '@paravcl/shared/api/notices';
import type { NoticeService } from '../services/notice-service';
import { bind, type BoundRoute } from './binding';

/** `/notices`. */
export function noticeRoutes(notices: NoticeService): readonly BoundRoute[] {
  return [
    bind(contracts.listNotices, async ({ principal, query }) => {
      const { items, next } = await notices.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.readNotice, async ({ principal, params }) => ({ body: await notices.read(principal, params.noticeId) })),
  ];
}
