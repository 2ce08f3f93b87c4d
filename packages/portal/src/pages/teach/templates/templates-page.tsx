import { Button, Flex } from '@patternfly/react-core';
import CatalogIcon from '@patternfly/react-icons/dist/esm/icons/catalog-icon';
import type { Template } from '@paravcl/shared/domain/template';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useAll } from '../../../api/use-all';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { LinkButton } from '../../../shell/link-button';
import { Confirm } from '../../../states/confirm';
import { tellMiB } from '../../../states/sizes';
import { byName } from '../by-name';
import { ListPage } from '../list-page';
import { Named } from '../named';
import { mayEditTemplate } from './may-edit-template';

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
  const mayEdit = (template: Template): boolean => mayEditTemplate(user, template, groups.data ?? []);
  const runs = ({ familyId, imageId }: Template): string => {
    const image = images.data?.find(({ id }) => id === imageId);
    return families.data?.find(({ id }) => id === familyId)?.name ?? (image === undefined ? '' : t('templates.version', { name: image.familyName, version: image.version }));
  };
  const forWhom = ({ groupIds }: Template): string => (groupIds.length === 0 ? t('templates.everybody') : groupIds.map((id) => groups.data?.find((group) => group.id === id)?.name ?? t('templates.otherGroup')).join(', '));
  return (
    <ListPage
      title={t('templates.title')}
      of={templates}
      inOrder={byName(i18n.language)}
      make={<LinkButton to="/templates/new">{t('templates.new')}</LinkButton>}
      none={{ title: t('templates.none'), body: t('templates.noneBody'), icon: CatalogIcon }}
      gridBreakPoint="grid-lg"
      columns={[
        { words: t('templates.name'), width: 25, modifier: 'breakWord', cell: (template) => <Named name={template.name} description={template.description} to={mayEdit(template) ? `/templates/${template.id}` : undefined} /> },
        { words: t('templates.runs'), width: 20, modifier: 'breakWord', cell: runs },
        { words: t('templates.sizes'), width: 15, modifier: 'nowrap', cell: ({ vcpus, ramMiB }) => t('templates.size', { count: vcpus, ram: tellMiB(ramMiB) }) },
        { words: t('templates.forWhom'), width: 20, modifier: 'breakWord', cell: forWhom },
      ]}
      actions={(template) => (
        <Flex gap={{ default: 'gapSm' }} flexWrap={{ default: 'nowrap' }}>
          <LinkButton to={`/deploy?template=${template.id}`} variant="secondary" size="sm">{t('templates.deploy')}</LinkButton>
          {mayEdit(template) && <Button variant="link" size="sm" isDanger aria-label={t('templates.deleteOf', { name: template.name })} onClick={() => setGoing(template)}>{t('delete')}</Button>}
        </Flex>
      )}
    >
      {going !== null && (
        <Confirm title={t('templates.deleteTitle', { name: going.name })} verb={t('templates.deleteVerb')} isDanger isPending={remove.isPending} problem={remove.error} onClose={close} onConfirm={() => remove.mutate({ params: { templateId: going.id } }, { onSuccess: close })}>
          <p>{t('templates.deleteBody')}</p>
        </Confirm>
      )}
    </ListPage>
  );
}
