import type { Instance } from '@paravcl/shared/domain/instance';
import DesktopIcon from '@patternfly/react-icons/dist/esm/icons/desktop-icon';
import KeyboardIcon from '@patternfly/react-icons/dist/esm/icons/keyboard-icon';
import PasteIcon from '@patternfly/react-icons/dist/esm/icons/paste-icon';
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { BarEntry } from './bar-entry';
import { ConsoleFrame } from './console-frame';
import { GlassKeyboard } from './glass-keyboard';
import { chords, type Chord } from './key-chords';
import { Machine } from './machine';
import { hasConsole } from './stage';
import { rememberScaling, scalings, type ScreenSettings } from './screen-settings';
import { TypeDialog } from './type-dialog';
import { useConsoleLine } from './use-console-line';
import { useScreen } from './use-screen';
import { wayOut } from './use-way-out';

/** The screen of a machine, with its keys and mouse. */
export function ScreenPage(): ReactNode {
  return <Machine>{(instance) => <Screen key={instance.id} instance={instance} />}</Machine>;
}

function Screen({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('console');
  const { host, screen, settings, setSettings, load, lastPicture, copied, unusable } = useScreen();
  const hold = useConsoleLine(instance.id, 'screen', hasConsole(instance), load);
  const { tell, link } = hold;
  const [isTyping, setTyping] = useState(false);
  const focus = useCallback(() => window.setTimeout(() => screen.current?.focus()), [screen]);
  useEffect(() => {
    if (unusable !== null) tell({ type: 'unusable', sentence: unusable.sentence });
  }, [tell, unusable]);
  const isOpen = link.at === 'open';
  const change = (next: Partial<ScreenSettings>): void => {
    if (next.scaling !== undefined) rememberScaling(next.scaling);
    setSettings({ ...settings, ...next });
  };
  const isQuiet = !isOpen || settings.viewOnly;
  const pressing = (chord: Chord): { readonly key: string; readonly label: string; readonly isDisabled: boolean; readonly act: () => void } => ({
    key: chord,
    label: t(`chord.${chord}`, chord),
    isDisabled: isQuiet,
    act: () => screen.current?.press(chords[chord]),
  });
  const entries: readonly BarEntry[] = [
    { ...pressing('Ctrl+Alt+Del'), icon: PowerOffIcon },
    { key: 'keys', label: t('keys'), icon: KeyboardIcon, note: t('wayOutNote', { keys: wayOut }), items: (Object.keys(chords) as Chord[]).filter((chord) => chord !== 'Ctrl+Alt+Del').map(pressing) },
    { key: 'type', label: t('type'), icon: PasteIcon, isDisabled: isQuiet, isAsking: true, act: () => setTyping(true) },
    {
      key: 'view',
      label: t('view'),
      icon: DesktopIcon,
      items: [
        ...scalings.map((scaling) => ({ key: scaling, label: t(`scaling.${scaling}.label`), description: t(`scaling.${scaling}.about`), isChosen: settings.scaling === scaling, act: () => change({ scaling }) })),
        { key: 'viewOnly', label: t('viewOnly.label'), description: t('viewOnly.about'), isChosen: settings.viewOnly, act: () => change({ viewOnly: !settings.viewOnly }) },
      ],
    },
  ];
  return (
    <ConsoleFrame instance={instance} kind="screen" hold={hold} entries={entries} extra={<GlassKeyboard screen={screen} isDisabled={isQuiet} />} onReturn={focus}>
      {lastPicture !== null && <img className="pv-console-last" src={lastPicture} alt={t('lastPicture', { name: instance.name })} />}
      <div ref={host} className="pv-console-host" role="application" aria-label={t('screenOf', { name: instance.name })} aria-describedby="console-way-out" hidden={!isOpen} />
      {isTyping && (
        <TypeDialog
          screen={screen}
          copied={copied}
          onClose={() => {
            setTyping(false);
            focus();
          }}
        />
      )}
    </ConsoleFrame>
  );
}
