import { Button, Divider, Dropdown, DropdownItem, DropdownList, Flex, MenuToggle } from '@patternfly/react-core';
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon';
import type { Instance } from '@paravcl/shared/domain/instance';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LinkButton } from '../../shell/link-button';
import { ProblemAlert } from '../../states/problem-alert';
import { useVerb, type Wish } from './use-verb';
import { asksFirst, VerbQuestion } from './verb-question';
import { offeredBy, type Verb } from './verbs';

const destroying: ReadonlySet<Verb> = new Set<Verb>(['delete']);

/** The next thing to do with a machine as its button, the rest in a menu beside it, and the master's word when it says no. */
export function MachineActions({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const [isOpen, setOpen] = useState(false);
  const [asked, setAsked] = useState<Wish['verb'] | null>(null);
  const { mutate, isPending, error, reset, variables } = useVerb(instance);
  const { primary, others } = offeredBy(instance);
  const choose = (verb: Verb): void => {
    setOpen(false);
    reset();
    if (verb === 'open') return;
    if (asksFirst(verb)) setAsked(verb);
    else mutate({ verb });
  };
  const close = (): void => {
    setAsked(null);
    reset();
  };
  return (
    <>
      <Flex gap={{ default: 'gapSm' }} alignItems={{ default: 'alignItemsCenter' }} flexWrap={{ default: 'nowrap' }}>
        {primary === 'open' && <LinkButton to={`/machines/${instance.id}/console`}>{t('verb.open')}</LinkButton>}
        {primary !== null && primary !== 'open' && <Button variant="primary" isLoading={isPending && variables.verb === primary} isDisabled={isPending} onClick={() => choose(primary)}>{t(`verb.${primary}`)}</Button>}
        {others.length > 0 && (
          <Dropdown
            isOpen={isOpen}
            onOpenChange={setOpen}
            popperProps={{ position: 'right' }}
            toggle={(ref) => (
              <MenuToggle ref={ref} variant="plain" isExpanded={isOpen} isDisabled={isPending} icon={<EllipsisVIcon />} aria-label={t('more', { name: instance.name })} onClick={() => setOpen(!isOpen)} />
            )}
          >
            <DropdownList>
              {others.map((verb) => [
                destroying.has(verb) && others.length > 1 ? <Divider key={`before-${verb}`} component="li" /> : null,
                <DropdownItem key={verb} isDanger={destroying.has(verb)} onClick={() => choose(verb)}>{verb === 'suspend' && instance.queuedAt !== null ? t('verb.waitNoLonger') : t(`verb.${verb}`)}</DropdownItem>,
              ])}
            </DropdownList>
          </Dropdown>
        )}
      </Flex>
      {asked === null && <ProblemAlert problem={error} />}
      {asked !== null && <VerbQuestion verb={asked} instance={instance} isPending={isPending} problem={error} onConfirm={(wish) => mutate(wish, { onSuccess: close })} onClose={close} />}
    </>
  );
}
