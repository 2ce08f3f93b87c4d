import type { Notice } from '@paravcl/shared/domain/notice';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../api/use-api';
import { arrivals, type Seen } from './arrivals';
import { useSay } from './toasts';

/** The bell counts up to here. */
export const mostUnread = 50;

/** Unread notices, newest first; each that arrives while one is here is said in a corner too. */
export function useUnreadNotices(): readonly Notice[] {
  const { t } = useTranslation('shell');
  const say = useSay();
  const unread = useGet('notices', 'get /notices', { query: { unread: 'true', limit: mostUnread } }).data?.items;
  const seen = useRef<Seen | null>(null);
  useEffect(() => {
    if (unread === undefined) return;
    const came = arrivals(seen.current, unread);
    seen.current = came.seen;
    for (const { sentence } of came.said) say(sentence, 'info');
    if (came.more > 0) say(t('notices.more', { count: came.more }), 'info');
  }, [unread, say, t]);
  return unread ?? [];
}
