import type { Instance } from '@paravcl/shared/domain/instance';
import { Button } from '@patternfly/react-core';
import ArrowLeftIcon from '@patternfly/react-icons/dist/esm/icons/arrow-left-icon';
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon';
import { useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { isHostSilent } from '../../states/host-silent';
import { StateLabel } from '../../states/state-label';
import { isMenu, type BarButton, type BarEntry } from './bar-entry';
import { BarMenu } from './bar-menu';
import { TimeLeftLabel } from './time-left-label';
import { useMedia } from '../../states/use-media';
import { useWayOut, wayOut } from './use-way-out';

interface ConsoleBarProps {
  readonly instance: Instance;
  readonly entries: readonly BarEntry[];
  /** Beside the menu where the bar is narrow: what cannot be in one. */
  readonly extra?: ReactNode;
  /** The keys go to the machine again. */
  readonly onReturn: () => void;
}

/** Above a console: whose it is, how long it still runs, and what one does with it. */
export function ConsoleBar({ instance, entries, extra, onReturn }: ConsoleBarProps): ReactNode {
  const { t } = useTranslation('console');
  const isNarrow = useMedia('(max-width: 1080px)');
  const bar = useRef<HTMLElement>(null);
  useWayOut(bar);
  const act = (entry: BarButton): void => {
    entry.act();
    // Or the next Enter, meant for the machine, would do it again.
    if (entry.isAsking !== true) onReturn();
  };
  const buttons = entries.filter((entry): entry is BarButton => !isMenu(entry));
  const menus = entries.filter(isMenu);
  return (
    <header
      ref={bar}
      className="pv-console-bar"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented && bar.current?.querySelector('[aria-expanded="true"]') === null) onReturn();
      }}
    >
      <Link className="pv-console-back" to={`/machines/${instance.id}`} aria-label={t('back', { name: instance.name })}>
        <ArrowLeftIcon />
      </Link>
      <h1 className="pv-console-name">{instance.name}</h1>
      <span className={`pv-console-facts pv-console-is-${isHostSilent(instance) ? 'silent' : instance.observed}`}>
        <StateLabel state={instance.observed} isSilent={isHostSilent(instance)} />
        <TimeLeftLabel instance={instance} />
      </span>
      <span className="pv-console-way-out" id="console-way-out">{t('wayOut', { keys: wayOut })}</span>
      <div className="pv-console-actions" role="group" aria-label={t('actions')}>
        {extra}
        {isNarrow ? (
          <BarMenu
            label={t('menu')}
            icon={EllipsisVIcon}
            isIconOnly
            onDone={onReturn}
            groups={[{ key: 'do', label: null, items: buttons }, ...menus.map(({ key, label, items, note }) => ({ key, label, items, note }))]}
          />
        ) : (
          entries.map((entry) =>
            isMenu(entry) ? (
              <BarMenu key={entry.key} label={entry.label} icon={entry.icon} groups={[{ key: entry.key, label: null, items: entry.items, note: entry.note }]} onDone={onReturn} />
            ) : (
              <Button key={entry.key} size="sm" variant="plain" icon={<entry.icon />} isDisabled={entry.isDisabled === true} onClick={() => act(entry)} {...(entry.isIconOnly === true ? { 'aria-label': entry.label, title: entry.label } : {})}>
                {entry.isIconOnly === true ? null : entry.label}
              </Button>
            ),
          )
        )}
      </div>
    </header>
  );
}
