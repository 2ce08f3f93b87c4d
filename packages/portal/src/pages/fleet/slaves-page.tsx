import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, FormSelect, FormSelectOption, PageSection, SearchInput, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import ServerIcon from '@patternfly/react-icons/dist/esm/icons/server-icon';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Read } from '../../states/read';
import { LinkButton } from '../../shell/link-button';
import { PageHead } from '../../shell/page-head';
import { useAll } from '../../api/use-all';
import { SlaveTable } from './slave-table';
import { slavesInOrder, slavesLike, standingOf, standings, type Standing } from './standing';
import '../teach/teach.css';
import './fleet.css';

/** The hosts of the pool, who needs attention first. */
export function SlavesPage(): ReactNode {
  const { t, i18n } = useTranslation('fleet');
  const [text, setText] = useState('');
  const [standing, setStanding] = useState<Standing | ''>('');
  const slaves = useAll('slaves', 'get /slaves', {});
  const retired = useAll('slaves', 'get /slaves', { query: { admission: 'retired' } }, { enabled: standing === 'retired' });
  const join = <LinkButton to="/slaves/join">{t('join.verb')}</LinkButton>;
  return (
    <>
      <PageHead title={t('slaves.title')} actions={slaves.data?.length === 0 ? undefined : join} />
      <PageSection>
        <Read of={standing === 'retired' ? retired : slaves}>
          {(all) => {
            if (all.length === 0 && standing === '') {
              return (
                <EmptyState headingLevel="h2" titleText={t('slaves.none')} icon={ServerIcon}>
                  <EmptyStateBody>{t('slaves.noneBody')}</EmptyStateBody>
                  <EmptyStateFooter><EmptyStateActions>{join}</EmptyStateActions></EmptyStateFooter>
                </EmptyState>
              );
            }
            const shown = slavesInOrder(slavesLike(all, text, standing === '' ? null : standing), i18n.language);
            const count = (each: Standing): number => (slaves.data ?? []).filter((slave) => standingOf(slave) === each).length;
            return (
              <>
                <Toolbar inset={{ default: 'insetNone' }}>
                  <ToolbarContent>
                    <ToolbarItem>
                      <SearchInput aria-label={t('slaves.search')} placeholder={t('slaves.search')} value={text} onChange={(_event, next) => setText(next)} onClear={() => setText('')} />
                    </ToolbarItem>
                    <ToolbarItem>
                      <FormSelect aria-label={t('slaves.state')} value={standing} onChange={(_event, next) => setStanding(next as Standing | '')}>
                        <FormSelectOption value="" label={t('slaves.anyState')} />
                        {standings.map((each) => <FormSelectOption key={each} value={each} label={each === 'retired' ? t('standing.retired') : t('slaves.counted', { word: t(`standing.${each}`), count: count(each) })} />)}
                      </FormSelect>
                    </ToolbarItem>
                  </ToolbarContent>
                </Toolbar>
                {shown.length === 0 ? <p role="status">{t('slaves.noMatch')}</p> : <SlaveTable slaves={shown} label={t('slaves.title')} mayOperate />}
              </>
            );
          }}
        </Read>
      </PageSection>
    </>
  );
}
