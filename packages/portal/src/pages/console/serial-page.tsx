import type { Instance } from '@paravcl/shared/domain/instance';
import CopyIcon from '@patternfly/react-icons/dist/esm/icons/copy-icon';
import DesktopIcon from '@patternfly/react-icons/dist/esm/icons/desktop-icon';
import PasteIcon from '@patternfly/react-icons/dist/esm/icons/paste-icon';
import { useCallback, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSay } from '../../shell/toasts';
import type { BarEntry } from './bar-entry';
import { ConsoleFrame } from './console-frame';
import { Machine } from './machine';
import { PasteDialog } from './paste-dialog';
import { saveSerialLog } from './save-serial-log';
import { hasConsole } from './stage';
import { useConsoleLine } from './use-console-line';
import { useSerial } from './use-serial';

/** The serial console of a machine: what it prints, and what one types. */
export function SerialPage(): ReactNode {
  return <Machine>{(instance) => <Serial key={instance.id} instance={instance} />}</Machine>;
}

function Serial({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('console');
  const say = useSay();
  const { host, terminal, load, screenReader, setScreenReader } = useSerial(instance.name);
  const hold = useConsoleLine(instance.id, 'serial', hasConsole(instance), load);
  const [isPasting, setPasting] = useState(false);
  const focus = useCallback(() => window.setTimeout(() => terminal.current?.focus()), [terminal]);
  const isOpen = hold.link.at === 'open';
  const copy = (): void => {
    const selection = terminal.current?.selection ?? '';
    if (selection === '') say(t('serial.nothingSelected'), 'info');
    else void navigator.clipboard.writeText(selection).then(() => say(t('serial.copied')), () => say(t('serial.cannotCopy'), 'warning'));
  };
  const tellSize = (): void => {
    const size = terminal.current?.size;
    if (size !== undefined) terminal.current?.paste(`stty rows ${size.rows} cols ${size.columns}`);
  };
  const saveLog = (): void => void saveSerialLog(instance).then(() => undefined, (error: unknown) => say(error instanceof Error ? error.message : String(error), 'danger'));
  const entries: readonly BarEntry[] = [
    { key: 'copy', label: t('serial.copy'), icon: CopyIcon, act: copy },
    { key: 'paste', label: t('serial.paste'), icon: PasteIcon, isDisabled: !isOpen, isAsking: true, act: () => setPasting(true) },
    {
      key: 'more',
      label: t('serial.more'),
      icon: DesktopIcon,
      note: t('serial.keysNote'),
      items: [
        { key: 'log', label: t('serial.log.label'), description: t('serial.log.about'), act: saveLog },
        { key: 'size', label: t('serial.size.label'), description: t('serial.size.about'), isDisabled: !isOpen, act: tellSize },
        { key: 'reader', label: t('serial.reader.label'), description: t('serial.reader.about'), isChosen: screenReader, act: () => setScreenReader(!screenReader) },
      ],
    },
  ];
  return (
    <ConsoleFrame instance={instance} kind="serial" hold={hold} entries={entries} onReturn={focus}>
      <div ref={host} className="pv-console-host" role="region" aria-label={t('serialOf', { name: instance.name })} aria-describedby="console-way-out" />
      {isPasting && (
        <PasteDialog
          paste={(text) => terminal.current?.paste(text)}
          onClose={() => {
            setPasting(false);
            focus();
          }}
        />
      )}
    </ConsoleFrame>
  );
}
