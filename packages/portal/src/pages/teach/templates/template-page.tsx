import { PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '../../../api/use-api';
import { Loading } from '../../../states/loading';
import { Read } from '../../../states/read';
import { PageHead } from '../../../shell/page-head';
import { useAll } from '../../../api/use-all';
import { useRunnables } from '../use-runnables';
import { TemplateForm } from './template-form';
import '../teach.css';

/** A template, new or there, as a form. */
export function TemplatePage(): ReactNode {
  const { t } = useTranslation('teach');
  const { templateId } = useParams();
  const template = useGet('templates', 'get /templates/:templateId', { params: { templateId: templateId ?? '' } }, { enabled: templateId !== undefined });
  const groups = useAll('groups', 'get /groups', {});
  const runnable = useRunnables();
  const above = { to: '/templates', words: t('templates.title') };
  return (
    <>
      <PageHead title={templateId === undefined ? t('templates.new') : (template.data?.name ?? t('templates.title'))} above={above} />
      <PageSection>
        {runnable === null || groups.data === undefined ? (
          <Loading />
        ) : templateId === undefined ? (
          <TemplateForm runnables={runnable} groups={groups.data} />
        ) : (
          <Read of={template}>{(found) => <TemplateForm key={found.id} template={found} runnables={runnable} groups={groups.data} />}</Read>
        )}
      </PageSection>
    </>
  );
}
