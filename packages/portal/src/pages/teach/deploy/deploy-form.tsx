import { ActionGroup, Button, ExpandableSection, Form, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { ProblemAlert } from '../../../states/problem-alert';
import { RunSelect } from '../run-select';
import { SizeFields } from '../size-fields';
import { noSizes, sizesOf } from '../sizes-typed';
import { TextField } from '../../../states/text-field';
import { useAll } from '../../../api/use-all';
import { ClassSumShown } from './class-sum-shown';
import { PeopleField } from './people-field';
import { namesTyped } from './names-typed';
import { findRunnable, runOf, type Runnables } from './what-to-run';

interface DeployFormProps {
  readonly groups: readonly Group[];
  readonly runnables: Runnables;
  readonly chosenGroupId: string;
  readonly chosenRun: string;
}

/** Who gets a machine of what; below it what that comes to, before it is asked for. */
export function DeployForm({ groups, runnables, chosenGroupId, chosenRun }: DeployFormProps): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const { user } = useMe();
  const navigate = useNavigate();
  const [groupId, setGroupId] = useState(chosenGroupId);
  const [run, setRun] = useState(findRunnable(runnables, chosenRun) === null ? '' : chosenRun);
  const [name, setName] = useState<string | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [typedNames, setTypedNames] = useState('');
  const [sizes, setSizes] = useState(noSizes);
  const deploy = useDo('post /deployments', ['deployments', 'instances', 'operations']);
  // Who runs the site without administering people names them instead of choosing.
  const types = user.role === 'operator';
  const members = useAll('groups', 'get /groups/:groupId/members', { params: { groupId } }, { enabled: groupId !== '' && !types });
  const enabled = (groupId === '' ? [] : (members.data ?? [])).filter(({ disabled }) => !disabled);
  const users = types ? namesTyped(typedNames) : enabled.filter(({ id }) => chosen === null || chosen.has(id)).map(({ id }) => id);
  const what = findRunnable(runnables, run);
  const group = groups.find(({ id }) => id === groupId);
  const given = name ?? (what === null || group === undefined ? '' : `${group.name}: ${what.name}`.slice(0, 100));
  const typed = sizesOf(sizes);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (typed === null) return;
    deploy.mutate({ body: { name: given, ...runOf(run), users: [...users], groupId, ...typed } }, { onSuccess: ({ deployment, warnings }) => void navigate(`/deployments/${deployment.id}`, { state: { warnings } }) });
  };
  const { error } = deploy;
  return (
    <Form onSubmit={submit} className="pv-teach-form">
      <FormGroup label={t('deploy.group')} fieldId="deploy-group" isRequired>
        <FormSelect id="deploy-group" value={groupId} onChange={(_event, next) => { setGroupId(next); setChosen(null); }}>
          <FormSelectOption value="" label={t('deploy.chooseGroup')} isPlaceholder isDisabled />
          {[...groups].sort((a, b) => a.name.localeCompare(b.name, i18n.language)).map((one) => <FormSelectOption key={one.id} value={one.id} label={t('deploy.groupOption', { name: one.name, count: one.members })} />)}
        </FormSelect>
      </FormGroup>
      <RunSelect label={t('deploy.what')} of={runnables} value={run} onChange={setRun} fault={error?.faultOf('imageId') ?? error?.faultOf('templateId') ?? null} help={t('deploy.whatHelp')} />
      {types ? (
        <TextField label={t('deploy.userNames')} value={typedNames} onChange={setTypedNames} rows={5} isRequired isCode fault={error?.faultOf('users') ?? null} help={t('deploy.userNamesHelp')} />
      ) : (
        groupId !== '' && <PeopleField of={members} chosen={chosen} onChange={setChosen} />
      )}
      <TextField label={t('deploy.name')} value={given} onChange={setName} fault={error?.faultOf('name') ?? null} isRequired help={t('deploy.nameHelp')} />
      <ExpandableSection toggleText={t('deploy.sizes')}>
        <SizeFields value={sizes} onChange={setSizes} problem={error} absent={what === null ? {} : { ...(what.vcpus === null ? {} : { vcpus: String(what.vcpus) }), ...(what.ramMiB === null ? {} : { ramMiB: String(what.ramMiB) }), ...(what.minutes === null ? {} : { minutes: String(what.minutes) }) }} />
      </ExpandableSection>
      {what !== null && users.length > 0 && typed !== null && <ClassSumShown run={run} machines={users.length} what={what} typed={typed} />}
      <ProblemAlert problem={error} />
      <ActionGroup>
        <Button type="submit" isLoading={deploy.isPending} isDisabled={deploy.isPending || what === null || users.length === 0 || given.trim() === '' || typed === null}>{t('deploy.start', { count: users.length })}</Button>
      </ActionGroup>
    </Form>
  );
}
