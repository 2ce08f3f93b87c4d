import { ActionGroup, Button, Checkbox, Form, FormGroup } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import type { Template } from '@paravcl/shared/domain/template';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { useSay } from '../../../shell/toasts';
import { ProblemAlert } from '../../../states/problem-alert';
import { runOf, type Runnables } from '../deploy/what-to-run';
import { LinkButton } from '../../../shell/link-button';
import { mayEditGroup } from '../people';
import { RunSelect } from '../run-select';
import { SizeFields } from '../size-fields';
import { noSizes, sizesOf, textsOf } from '../sizes-typed';
import { TextField } from '../../../states/text-field';
import { cloudInitFault, longestCloudInit } from './cloud-init-text';

interface TemplateFormProps {
  readonly template?: Template;
  readonly runnables: Runnables;
  readonly groups: readonly Group[];
}

/** Everything that is said of a template. Teachers make it for groups they own. */
export function TemplateForm({ template, runnables, groups }: TemplateFormProps): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const { user } = useMe();
  const navigate = useNavigate();
  const say = useSay();
  const [name, setName] = useState(template?.name ?? '');
  const [description, setDescription] = useState(template?.description ?? '');
  const [run, setRun] = useState(template === undefined ? '' : template.familyId === null ? `image:${template.imageId ?? ''}` : `family:${template.familyId}`);
  const [sizes, setSizes] = useState(template === undefined ? noSizes : textsOf(template));
  const [cloudInit, setCloudInit] = useState(template?.cloudInit ?? '');
  const own = groups.filter((group) => user.role === 'operator' || mayEditGroup(user, group));
  const [groupIds, setGroupIds] = useState<readonly string[]>(template?.groupIds ?? (user.role === 'teacher' && own.length === 1 ? own.map(({ id }) => id) : []));
  const create = useDo('post /templates', ['templates']);
  const edit = useDo('patch /templates/:templateId', ['templates']);
  const { isPending, error } = template === undefined ? create : edit;
  const wrong = cloudInitFault(cloudInit);
  const typed = sizesOf(sizes);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (typed === null || wrong !== null) return;
    const { diskMiB = null, bandwidthMbps = null, minutes = null, ...rest } = typed;
    const body = { name, description, ...runOf(run), ...rest, diskMiB, bandwidthMbps, minutes, cloudInit: cloudInit.trim() === '' ? null : cloudInit, groupIds: [...groupIds] };
    const onSuccess = (done: Template): void => {
      say(t(template === undefined ? 'templates.made' : 'templates.saved', { name: done.name }));
      void navigate('/templates');
    };
    if (template === undefined) create.mutate({ body }, { onSuccess });
    else edit.mutate({ params: { templateId: template.id }, body }, { onSuccess });
  };
  const faultOf = (...fields: readonly string[]): string | null => fields.map((field) => error?.faultOf(field) ?? null).find((fault) => fault !== null) ?? null;
  const toggleGroup = (id: string, isIn: boolean): void => setGroupIds(isIn ? [...groupIds, id] : groupIds.filter((one) => one !== id));
  return (
    <Form onSubmit={submit} className="pv-teach-form">
      <TextField label={t('templates.name')} value={name} onChange={setName} fault={faultOf('name')} isRequired autoFocus={template === undefined} />
      <TextField label={t('templates.description')} value={description} onChange={setDescription} fault={faultOf('description')} rows={2} />
      <RunSelect label={t('templates.what')} of={{ ...runnables, templates: [] }} value={run} onChange={setRun} fault={faultOf('imageId', 'familyId')} help={t('templates.whatHelp')} />
      <FormGroup role="group" label={t('templates.sizesHelp')} fieldId="template-sizes">
        <SizeFields value={sizes} onChange={setSizes} problem={error} />
      </FormGroup>
      <FormGroup role="group" label={t('templates.forWhom')} fieldId="template-groups" isRequired={user.role === 'teacher'}>
        {user.role !== 'teacher' && <p className="pv-teach-quiet">{t('templates.forWhomHelp')}</p>}
        {own.length === 0 && <p>{t('templates.noGroup')}</p>}
        {[...own].sort((a, b) => a.name.localeCompare(b.name, i18n.language)).map(({ id, name: groupName }) => (
          <Checkbox key={id} id={`template-group-${id}`} label={groupName} isChecked={groupIds.includes(id)} onChange={(_event, isIn) => toggleGroup(id, isIn)} />
        ))}
      </FormGroup>
      <TextField label={t('templates.cloudInit')} value={cloudInit} onChange={setCloudInit} fault={wrong === null ? faultOf('cloudInit') : t(`templates.cloudInitFault.${wrong}`, { most: longestCloudInit })} help={t('templates.cloudInitHelp', { length: cloudInit.length, most: longestCloudInit })} rows={10} isCode />
      <ProblemAlert problem={error} />
      <ActionGroup>
        <Button type="submit" isLoading={isPending} isDisabled={isPending || name.trim() === '' || run === '' || typed === null || wrong !== null || (user.role === 'teacher' && groupIds.length === 0)}>{t(template === undefined ? 'templates.make' : 'save')}</Button>
        <LinkButton to="/templates" variant="link">{t('shell:cancel')}</LinkButton>
      </ActionGroup>
    </Form>
  );
}
