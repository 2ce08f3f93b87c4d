import type { Deployment } from '@paravcl/shared/domain/deployment';
import { useCallback, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { useSay } from '../../../shell/toasts';
import { Confirm } from '../../../states/confirm';
import { ProblemAlert } from '../../../states/problem-alert';
import { useAll } from '../../../api/use-all';
import { missingPeople } from './missing-people';
import type { Tile } from './class-tile';

interface ClassExtras {
  /** For the menu of the action bar. */
  readonly items: readonly { readonly key: string; readonly words: string; readonly onClick: () => void }[];
  /** Gives the person of a refused place a new one. */
  readonly addAgain: (tile: Tile) => void;
  /** The question that is open, or why the last was refused. */
  readonly shown: ReactNode;
}

/** What is done to a whole class besides the verbs: machines for those who have none, and taking back what has not run yet. */
export function useClassExtras(deployment: Deployment, tiles: readonly Tile[]): ClassExtras {
  const { t } = useTranslation('teach');
  const { user } = useMe();
  const say = useSay();
  const { groupId } = deployment;
  const [asks, setAsks] = useState<'add' | 'giveUp' | null>(null);
  const members = useAll('groups', 'get /groups/:groupId/members', { params: { groupId: groupId ?? '' } }, { enabled: groupId !== null && user.role !== 'operator' });
  const missing = groupId === null ? [] : missingPeople(members.data ?? [], tiles);
  const waiting = tiles.filter(({ phase }) => phase === 'waiting').length;
  const add = useDo('post /deployments/:deploymentId/members', ['instances', 'deployments', 'operations']);
  const giveUp = useDo('post /deployments/:deploymentId/cancel', ['instances', 'deployments', 'operations']);
  const params = { deploymentId: deployment.id };
  const { mutate: addNow, reset: resetAdd } = add;
  const { id } = deployment;
  const addAgain = useCallback((tile: Tile) => addNow({ params: { deploymentId: id }, body: { users: [tile.userId] } }), [addNow, id]);
  const close = (): void => {
    setAsks(null);
    resetAdd();
    giveUp.reset();
  };
  const done = (sentence: string) => (): void => {
    close();
    say(sentence);
  };
  return {
    addAgain,
    items: [
      ...(missing.length === 0 ? [] : [{ key: 'add', words: t('extras.add', { count: missing.length }), onClick: () => setAsks('add') }]),
      ...(waiting === 0 ? [] : [{ key: 'giveUp', words: t('extras.giveUp'), onClick: () => setAsks('giveUp') }]),
    ],
    shown: (
      <>
        {asks === null && <ProblemAlert problem={add.error} />}
        {asks === 'add' && (
          <Confirm title={t('extras.addTitle', { count: missing.length })} verb={t('extras.addVerb', { count: missing.length })} isPending={add.isPending} problem={add.error} onClose={close} onConfirm={() => add.mutate({ params, body: { users: missing.map((person) => person.id) } }, { onSuccess: done(t('extras.added', { count: missing.length })) })}>
            <p>{missing.map(({ displayName }) => displayName).join(', ')}</p>
          </Confirm>
        )}
        {asks === 'giveUp' && (
          <Confirm title={t('extras.giveUpTitle')} verb={t('extras.giveUp')} isDanger isPending={giveUp.isPending} problem={giveUp.error} onClose={close} onConfirm={() => giveUp.mutate({ params }, { onSuccess: done(t('extras.gaveUp')) })}>
            <p>{t('extras.giveUpBody', { count: waiting })}</p>
          </Confirm>
        )}
      </>
    ),
  };
}
