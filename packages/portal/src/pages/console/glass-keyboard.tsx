import { Button } from '@patternfly/react-core';
import KeyboardIcon from '@patternfly/react-icons/dist/esm/icons/keyboard-icon';
import { useRef, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { chosenLayout } from './chosen-layout';
import { strokesOfText } from './keyboard-layouts';
import type { RemoteScreen } from './remote-screen';
import { changeOf } from './soft-keyboard';
import { useMedia } from '../../states/use-media';

/** There is always something to take back, or the keyboard would not tell of it. */
const filling = '_'.repeat(64);
const backspace = { code: 'Backspace', keysym: 0xff08 };

/** Where one touches: a button that opens the keyboard on the glass, and the hidden field that it writes into. */
export function GlassKeyboard({ screen, isDisabled }: { readonly screen: RefObject<RemoteScreen | null>; readonly isDisabled: boolean }): ReactNode {
  const { t, i18n } = useTranslation('console');
  const isTouched = useMedia('(any-pointer: coarse)');
  const field = useRef<HTMLTextAreaElement>(null);
  const before = useRef(filling);
  if (!isTouched) return null;
  const reset = (input: HTMLTextAreaElement): void => {
    input.value = filling;
    before.current = filling;
    input.setSelectionRange(filling.length, filling.length);
  };
  const changed = (input: HTMLTextAreaElement): void => {
    const { back, text } = changeOf(before.current, input.value);
    for (let count = 0; count < back; count += 1) screen.current?.press([backspace]);
    for (const stroke of strokesOfText(chosenLayout(i18n.language), text).strokes) screen.current?.stroke(stroke);
    before.current = input.value;
    if (input.value.length < 8 || input.value.length > 512 || text.includes('\n')) reset(input);
  };
  return (
    <>
      <Button variant="plain" size="sm" icon={<KeyboardIcon />} aria-label={t('glass')} isDisabled={isDisabled} onClick={() => field.current?.focus()} />
      <textarea ref={field} className="pv-console-glass" aria-label={t('glassField')} tabIndex={-1} autoCapitalize="off" autoComplete="off" autoCorrect="off" spellCheck={false} defaultValue={filling} onFocus={({ currentTarget }) => reset(currentTarget)} onInput={({ currentTarget }) => changed(currentTarget)} />
    </>
  );
}
