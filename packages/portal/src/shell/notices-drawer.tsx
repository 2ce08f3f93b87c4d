import { Button, EmptyState, EmptyStateBody, NotificationDrawer, NotificationDrawerBody, NotificationDrawerHeader, NotificationDrawerList, NotificationDrawerListItem, NotificationDrawerListItemBody, NotificationDrawerListItemHeader } from '@patternfly/react-core';
import type { Notice } from '@paravcl/shared/domain/notice';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo } from '../api/use-api';
import { useSiteZone } from '../states/site-zone';
import { useTimes } from '../states/use-times';
import { noticeAddress, noticeLook } from './notice-look';

interface NoticesDrawerProps {
  readonly unread: readonly Notice[];
  readonly onClose: () => void;
}

/** What happened meanwhile and was not read yet; the rest is on its own page. */
export function NoticesDrawer({ unread, onClose }: NoticesDrawerProps): ReactNode {
  const { t } = useTranslation('shell');
  const times = useTimes(useSiteZone());
  const read = useDo('post /notices/:noticeId/read', ['notices']);
  return (
    <NotificationDrawer>
      <NotificationDrawerHeader title={t('notices.title')} count={unread.length} unreadText={t('notices.unread')} onClose={onClose} closeButtonAriaLabel={t('close')}>
        <Link to="/notices" onClick={onClose}>{t('notices.all')}</Link>
      </NotificationDrawerHeader>
      <NotificationDrawerBody>
        {unread.length === 0 && (
          <EmptyState headingLevel="h2" titleText={t('notices.none')} variant="sm">
            <EmptyStateBody>{t('notices.noneBody')}</EmptyStateBody>
          </EmptyState>
        )}
        <NotificationDrawerList aria-label={t('notices.title')}>
          {unread.map(({ id, kind, sentence, at, subject }) => (
            <NotificationDrawerListItem key={id} variant={noticeLook(kind)} isHoverable={false}>
              <NotificationDrawerListItemHeader variant={noticeLook(kind)} title={t(`notices.subject.${subject.type}`)} srTitle="" headingLevel="h2" />
              <NotificationDrawerListItemBody timestamp={times.moment(at)}>
                <p>{sentence}</p>
                <Button variant="link" isInline onClick={() => read.mutate({ params: { noticeId: id } })}>{t('notices.read')}</Button>
                {' · '}
                <Link to={noticeAddress(subject)} onClick={onClose}>{t('notices.go')}</Link>
              </NotificationDrawerListItemBody>
            </NotificationDrawerListItem>
          ))}
        </NotificationDrawerList>
      </NotificationDrawerBody>
    </NotificationDrawer>
  );
}
