import { Button, Card, CardBody, CardHeader, CardTitle, Form, InputGroup, InputGroupItem, Label, TextInput } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Group, User } from '@paravcl/shared/domain/people';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { useSay } from '../../../shell/toasts';
import { Confirm } from '../../../states/confirm';
import { ProblemAlert } from '../../../states/problem-alert';
import { Read } from '../../../states/read';
import { LinkButton } from '../../../shell/link-button';
import { useAll } from '../../../api/use-all';

/** Who is in a group: added by name, or many at once from a list; taken out after a question. */
export function MembersCard({ group, mayEdit }: { readonly group: Group; readonly mayEdit: boolean }): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const members = useAll('groups', 'get /groups/:groupId/members', { params: { groupId: group.id } });
  const [leaving, setLeaving] = useState<User | null>(null);
  const remove = useDo('delete /groups/:groupId/members/:userId', ['groups']);
  const close = (): void => {
    setLeaving(null);
    remove.reset();
  };
  return (
    <Card>
      <CardHeader {...(mayEdit ? { actions: { actions: <LinkButton to={`/groups/${group.id}/roster`} variant="secondary">{t('members.roster')}</LinkButton>, hasNoOffset: true } } : {})}>
        <CardTitle component="h2">{t('members.title', { count: group.members })}</CardTitle>
      </CardHeader>
      <CardBody className="pv-teach-stack">
        {mayEdit && <AddMember group={group} />}
        <Read of={members}>
          {(all) =>
            all.length === 0 ? (
              <p className="pv-teach-quiet">{t(mayEdit ? 'members.none' : 'members.noneYet')}</p>
            ) : (
              <Table aria-label={t('members.title', { count: group.members })} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr>
                    <Th width={45}>{t('members.name')}</Th>
                    <Th>{t('members.userName')}</Th>
                    {mayEdit && <Th screenReaderText={t('actions')} />}
                  </Tr>
                </Thead>
                <Tbody>
                  {[...all].sort((a, b) => a.displayName.localeCompare(b.displayName, i18n.language)).map((user) => (
                    <Tr key={user.id}>
                      <Td dataLabel={t('members.name')} modifier="breakWord">
                        {user.displayName} {user.disabled && <Label isCompact color="orange">{t('members.disabled')}</Label>}
                      </Td>
                      <Td dataLabel={t('members.userName')}>{user.name}</Td>
                      {mayEdit && (
                        <Td dataLabel={t('actions')} modifier="nowrap">
                          <Button variant="link" isInline isDanger aria-label={t('members.removeOf', { name: user.displayName })} onClick={() => setLeaving(user)}>{t('members.remove')}</Button>
                        </Td>
                      )}
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </CardBody>
      {leaving !== null && (
        <Confirm title={t('members.removeTitle', { name: leaving.displayName, group: group.name })} verb={t('members.remove')} isDanger isPending={remove.isPending} problem={remove.error} onClose={close} onConfirm={() => remove.mutate({ params: { groupId: group.id, userId: leaving.id } }, { onSuccess: close })}>
          <p>{t('members.removeBody', { name: leaving.displayName })}</p>
        </Confirm>
      )}
    </Card>
  );
}

function AddMember({ group }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation('teach');
  const say = useSay();
  const [userName, setUserName] = useState('');
  const add = useDo('post /groups/:groupId/members', ['groups']);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate({ params: { groupId: group.id }, body: { userName } }, {
      onSuccess: ({ displayName }) => {
        say(t('members.added', { name: displayName, group: group.name }));
        setUserName('');
      },
    });
  };
  return (
    <Form onSubmit={submit}>
      <InputGroup>
        <InputGroupItem isFill>
          <TextInput aria-label={t('members.add')} placeholder={t('members.addPlaceholder')} value={userName} autoComplete="off" autoCapitalize="none" onChange={(_event, value) => setUserName(value)} />
        </InputGroupItem>
        <InputGroupItem>
          <Button type="submit" variant="control" isLoading={add.isPending} isDisabled={add.isPending || userName.trim() === ''}>{t('members.addVerb')}</Button>
        </InputGroupItem>
      </InputGroup>
      <ProblemAlert problem={add.error} />
    </Form>
  );
}
