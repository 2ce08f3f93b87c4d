import { Button, EmptyState, EmptyStateBody, Flex, Label, PageSection, Switch, Title } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo, useGet } from '../../api/use-api';
import { noticeAddress, noticeLook } from '../../shell/notice-look';
import { useTitle } from '../../shell/title';
import { ProblemAlert } from '../../states/problem-alert';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

const [few, most] = [50, 200];

/** Everything that happened to what is mine without my asking, newest first. */
export function NoticesPage(): ReactNode {
  const { t } = useTranslation('notices');
  const times = useTimes(useSiteZone());
  const [onlyUnread, setOnlyUnread] = useState(false);
  const [limit, setLimit] = useState(few);
  const notices = useGet('notices', 'get /notices', { query: { limit, unread: onlyUnread ? 'true' : 'false' } });
  const read = useDo('post /notices/:noticeId/read', ['notices']);
  useTitle(t('title'));
  return (
    <PageSection>
      <div className="pv-lines">
        <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }}>
          <Title headingLevel="h1">{t('title')}</Title>
          <Switch id="only-unread" label={t('onlyUnread')} isChecked={onlyUnread} onChange={(_event, checked) => setOnlyUnread(checked)} />
        </Flex>
        <ProblemAlert problem={read.error} />
        <Read of={notices}>
          {({ items, next }) => items.length === 0 ? (
            <EmptyState headingLevel="h2" titleText={t(onlyUnread ? 'allRead' : 'none')} variant="sm">
              <EmptyStateBody>{t('noneBody')}</EmptyStateBody>
            </EmptyState>
          ) : (
            <>
              <Table variant="compact" gridBreakPoint="grid-md" aria-label={t('title')}>
                <Thead>
                  <Tr>
                    <Th>{t('what')}</Th>
                    <Th>{t('at')}</Th>
                    <Th screenReaderText={t('actions')} />
                  </Tr>
                </Thead>
                <Tbody>
                  {items.map(({ id, kind, sentence, at, subject, decisionId, readAt }) => (
                    <Tr key={id}>
                      <Td dataLabel={t('what')}>
                        <Label isCompact status={noticeLook(kind)}>{t(`look.${noticeLook(kind)}`)}</Label> {readAt === null ? <strong>{sentence}</strong> : sentence}
                      </Td>
                      <Td dataLabel={t('at')}><time dateTime={at}>{times.moment(at)}</time></Td>
                      <Td>
                        <Flex gap={{ default: 'gapSm' }}>
                          <Link to={noticeAddress(subject)}>{t('go')}</Link>
                          {decisionId !== null && <Link to={`/why/${decisionId}`}>{t('why')}</Link>}
                          {readAt === null && <Button variant="link" isInline onClick={() => read.mutate({ params: { noticeId: id } })}>{t('read')}</Button>}
                        </Flex>
                      </Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
              {next !== null && limit < most && <Button variant="link" onClick={() => setLimit(most)}>{t('earlier')}</Button>}
            </>
          )}
        </Read>
      </div>
    </PageSection>
  );
}
