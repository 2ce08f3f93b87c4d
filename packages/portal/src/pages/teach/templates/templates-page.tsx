import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Flex, PageSection } from '@patternfly/react-core';
import CatalogIcon from '@patternfly/react-icons/dist/esm/icons/catalog-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Template } from '@paravcl/shared/domain/template';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { Confirm } from '../../../states/confirm';
import { Read } from '../../../states/read';
import { tellMiB } from '../../../states/sizes';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { useAll } from '../../../api/use-all';
import { mayEditTemplate } from './may-edit-template';
import '../teach.css';

/** What groups work with, under one name each. */
export function TemplatesPage(): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const { user } = useMe();
  const templates = useAll('templates', 'get /templates', {});
  const families = useAll('images', 'get /image-families', {});
  const images = useAll('images', 'get /images', {});
  const groups = useAll('groups', 'get /groups', {});
  const [going, setGoing] = useState<Template | null>(null);
  const remove = useDo('delete /templates/:templateId', ['templates']);
  const close = (): void => {
    setGoing(null);
    remove.reset();
  };
  const make = <LinkButton to="/templates/new">{t('templates.new')}</LinkButton>;
  const runs = ({ familyId, imageId }: Template): string => {
    const image = images.data?.find(({ id }) => id === imageId);
    return families.data?.find(({ id }) => id === familyId)?.name ?? (image === undefined ? '' : t('templates.version', { name: image.familyName, version: image.version }));
  };
  const forWhom = ({ groupIds }: Template): string => (groupIds.length === 0 ? t('templates.everybody') : groupIds.map((id) => groups.data?.find((group) => group.id === id)?.name ?? t('templates.otherGroup')).join(', '));
  return (
    <>
      <PageHead title={t('templates.title')} actions={templates.data?.length === 0 ? undefined : make} />
      <PageSection>
        <Read of={templates}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState headingLevel="h2" titleText={t('templates.none')} icon={CatalogIcon}>
                <EmptyStateBody>{t('templates.noneBody')}</EmptyStateBody>
                <EmptyStateFooter>
                  <EmptyStateActions>{make}</EmptyStateActions>
                </EmptyStateFooter>
              </EmptyState>
            ) : (
              <Table aria-label={t('templates.title')} variant="compact" gridBreakPoint="grid-lg">
                <Thead>
                  <Tr>
                    <Th width={25}>{t('templates.name')}</Th>
                    <Th width={20}>{t('templates.runs')}</Th>
                    <Th width={15}>{t('templates.sizes')}</Th>
                    <Th width={20}>{t('templates.forWhom')}</Th>
                    <Th screenReaderText={t('actions')} />
                  </Tr>
                </Thead>
                <Tbody>
                  {[...all].sort((a, b) => a.name.localeCompare(b.name, i18n.language, { numeric: true })).map((template) => (
                    <Tr key={template.id}>
                      <Td dataLabel={t('templates.name')} modifier="breakWord">
                        {mayEditTemplate(user, template, groups.data ?? []) ? <Link to={`/templates/${template.id}`}>{template.name}</Link> : template.name}
                        {template.description !== '' && <div className="pv-teach-quiet pv-teach-clip">{template.description}</div>}
                      </Td>
                      <Td dataLabel={t('templates.runs')} modifier="breakWord">{runs(template)}</Td>
                      <Td dataLabel={t('templates.sizes')} modifier="nowrap">{t('templates.size', { count: template.vcpus, ram: tellMiB(template.ramMiB) })}</Td>
                      <Td dataLabel={t('templates.forWhom')} modifier="breakWord">{forWhom(template)}</Td>
                      <Td dataLabel={t('actions')} modifier="fitContent">
                        <Flex gap={{ default: 'gapSm' }} flexWrap={{ default: 'nowrap' }}>
                          <LinkButton to={`/deploy?template=${template.id}`} variant="secondary" size="sm">{t('templates.deploy')}</LinkButton>
                          {mayEditTemplate(user, template, groups.data ?? []) && <Button variant="link" size="sm" isDanger aria-label={t('templates.deleteOf', { name: template.name })} onClick={() => setGoing(template)}>{t('delete')}</Button>}
                        </Flex>
                      </Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </PageSection>
      {going !== null && (
        <Confirm title={t('templates.deleteTitle', { name: going.name })} verb={t('templates.deleteVerb')} isDanger isPending={remove.isPending} problem={remove.error} onClose={close} onConfirm={() => remove.mutate({ params: { templateId: going.id } }, { onSuccess: close })}>
          <p>{t('templates.deleteBody')}</p>
        </Confirm>
      )}
    </>
  );
}
