import type { ConsoleKind } from '@paravcl/shared/api/connections';
import type { Instance } from '@paravcl/shared/domain/instance';
import CompressIcon from '@patternfly/react-icons/dist/esm/icons/compress-icon';
import DesktopIcon from '@patternfly/react-icons/dist/esm/icons/desktop-icon';
import ExpandIcon from '@patternfly/react-icons/dist/esm/icons/expand-icon';
import PauseIcon from '@patternfly/react-icons/dist/esm/icons/pause-icon';
import TerminalIcon from '@patternfly/react-icons/dist/esm/icons/terminal-icon';
import { useEffect, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { useSay } from '../../shell/toasts';
import type { BarEntry } from './bar-entry';
import { ConsoleBar } from './console-bar';
import './console.css';
import { hasConsole, stageOf } from './stage';
import { StageMessage } from './stage-message';
import type { ConsoleHold } from './use-console-line';
import { useFullscreen } from './use-fullscreen';

interface ConsoleFrameProps {
  readonly instance: Instance;
  readonly kind: ConsoleKind;
  readonly hold: ConsoleHold;
  /** What one does with this kind of console; what both have comes after it. */
  readonly entries: readonly BarEntry[];
  readonly extra?: ReactNode;
  /** Gives the keys to the machine. */
  readonly onReturn: () => void;
  /** The console itself, which stays below what is said over it. */
  readonly children: ReactNode;
}

/** The bar and the window below it, of a screen and of a serial console. */
export function ConsoleFrame({ instance, kind, hold, entries, extra, onReturn, children }: ConsoleFrameProps): ReactNode {
  const { t } = useTranslation('console');
  const { id, name } = instance;
  useTitle(t(`title.${kind}`, { name }));
  const say = useSay();
  const navigate = useNavigate();
  const suspend = useDo('post /instances/:instanceId/suspend', ['instances']);
  const full = useFullscreen();
  const stage = stageOf(hold.link, instance);
  const isShown = stage === null;
  useEffect(() => {
    if (isShown) onReturn();
  }, [isShown, onReturn]);
  const shared: readonly BarEntry[] = [
    {
      key: 'suspend',
      label: t('suspend'),
      icon: PauseIcon,
      isDisabled: !hasConsole(instance) || suspend.isPending,
      act: () => suspend.mutate({ params: { instanceId: id } }, { onSuccess: () => say(t('saving', { name })), onError: ({ message }) => say(message, 'danger') }),
    },
    kind === 'screen'
      ? { key: 'serial', label: t('toSerial'), icon: TerminalIcon, act: () => void navigate(`/machines/${id}/serial`) }
      : { key: 'screen', label: t('toScreen'), icon: DesktopIcon, act: () => void navigate(`/machines/${id}/console`) },
    ...(full.isPossible ? [{ key: 'full', label: t(full.isFull ? 'leaveFull' : 'full'), icon: full.isFull ? CompressIcon : ExpandIcon, isIconOnly: true, act: full.toggle }] : []),
  ];
  return (
    <div className="pv-console">
      <ConsoleBar instance={instance} entries={[...entries, ...shared]} extra={extra} onReturn={onReturn} />
      <main className={`pv-console-stage pv-console-${kind}`}>
        {children}
        {stage !== null && <StageMessage stage={stage} instance={instance} tryNow={hold.tryNow} isSmall={kind === 'serial'} />}
      </main>
    </div>
  );
}
