import { Alert, Button, ClipboardCopy, Content, Form, FormGroup, FormSelect, FormSelectOption, Modal, ModalBody, ModalFooter, ModalHeader, Progress, TextArea } from '@patternfly/react-core';
import { useEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useSay } from '../../shell/toasts';
import { chooseLayout, chosenLayout } from './chosen-layout';
import { layouts, strokesOfText, type Layout } from './keyboard-layouts';
import type { RemoteScreen } from './remote-screen';
import { askedAbove, tellCharacters } from './typed-text';

interface TypeDialogProps {
  readonly screen: RefObject<RemoteScreen | null>;
  /** What was copied in the machine, where it tells of that. */
  readonly copied: string | null;
  readonly onClose: () => void;
}

/** Types a text into the machine, key by key: that needs nothing in the guest. Its clipboard gets it as well, where an agent takes it. */
export function TypeDialog({ screen, copied, onClose }: TypeDialogProps): ReactNode {
  const { t, i18n } = useTranslation('console');
  const say = useSay();
  const [text, setText] = useState('');
  const [layout, setLayout] = useState<Layout>(() => chosenLayout(i18n.language));
  const [typed, setTyped] = useState<number | null>(null);
  // How far it came when the connection was lost.
  const [cut, setCut] = useState<{ readonly typed: number; readonly all: number } | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const { strokes, cannot } = useMemo(() => strokesOfText(layout, text), [layout, text]);
  const isLong = text.length > askedAbove;
  const type = async (): Promise<void> => {
    stop.current = new AbortController();
    const { signal } = stop.current;
    setTyped(0);
    screen.current?.giveClipboard(text);
    setCut(null);
    const count = (await screen.current?.type(strokes, setTyped, signal)) ?? 0;
    if (signal.aborted) return;
    if (count < strokes.length) {
      setTyped(null);
      setCut({ typed: count, all: strokes.length });
      return;
    }
    say(t('typing.done', { count: strokes.length }));
    onClose();
  };
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="type-title">
      <ModalHeader title={t('typing.title')} labelId="type-title" description={t('typing.about')} />
      <ModalBody>
        <Form onSubmit={(event) => event.preventDefault()}>
          <FormGroup label={t('typing.text')} fieldId="type-text">
            <TextArea id="type-text" rows={6} autoFocus resizeOrientation="vertical" value={text} isDisabled={typed !== null} onChange={(_event, value) => setText(value)} />
          </FormGroup>
          <FormGroup label={t('typing.layout')} fieldId="type-layout">
            <FormSelect
              id="type-layout"
              value={layout}
              isDisabled={typed !== null}
              onChange={(_event, value) => {
                const chosen = layouts.find((each) => each === value) ?? 'us';
                chooseLayout(chosen);
                setLayout(chosen);
              }}
            >
              {layouts.map((each) => <FormSelectOption key={each} value={each} label={t(`layout.${each}`)} />)}
            </FormSelect>
          </FormGroup>
          {cannot.length > 0 && <Alert isInline variant="warning" component="p" title={t('typing.cannot', { characters: tellCharacters(cannot), count: cannot.length })} />}
          {cut !== null && <Alert isInline isLiveRegion variant="danger" component="p" title={t('typing.cut', cut)} />}
          {isLong && typed === null && <Alert isInline variant="warning" component="p" title={t('typing.long', { count: text.length, seconds: Math.ceil(strokes.length / 40) })} />}
          {typed !== null && <Progress value={strokes.length === 0 ? 100 : Math.round((typed / strokes.length) * 100)} title={t('typing.progress', { typed, all: strokes.length })} />}
          {copied !== null && (
            <FormGroup label={t('typing.copied')}>
              <ClipboardCopy isReadOnly isBlock hoverTip={t('typing.copy')} clickTip={t('typing.copyDone')} textAriaLabel={t('typing.copied')}>{copied}</ClipboardCopy>
            </FormGroup>
          )}
        </Form>
        {typed === null && <Content component="small">{t('typing.hint')}</Content>}
      </ModalBody>
      <ModalFooter>
        <Button variant="primary" isDisabled={strokes.length === 0 || typed !== null} isLoading={typed !== null} onClick={() => void type()}>{t(isLong ? 'typing.allTheSame' : 'typing.act')}</Button>
        <Button variant="link" onClick={onClose}>{t(typed === null ? 'typing.cancel' : 'typing.stop')}</Button>
      </ModalFooter>
    </Modal>
  );
}
