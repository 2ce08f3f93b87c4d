import { Alert, Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextArea } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { askedAbove } from './typed-text';

/** Sends a text to a serial console, for who cannot or would not paste into it directly. */
export function PasteDialog({ paste, onClose }: { readonly paste: (text: string) => void; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('console');
  const [text, setText] = useState('');
  const isLong = text.length > askedAbove;
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="paste-title">
      <ModalHeader title={t('serial.pasteTitle')} labelId="paste-title" description={t('serial.pasteAbout')} />
      <ModalBody>
        <Form onSubmit={(event) => event.preventDefault()}>
          <FormGroup label={t('typing.text')} fieldId="paste-text">
            <TextArea id="paste-text" rows={6} autoFocus resizeOrientation="vertical" value={text} onChange={(_event, value) => setText(value)} />
          </FormGroup>
          {isLong && <Alert isInline variant="warning" component="p" title={t('serial.pasteLong', { count: text.length })} />}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          variant="primary"
          isDisabled={text === ''}
          onClick={() => {
            paste(text);
            onClose();
          }}
        >
          {t(isLong ? 'serial.pasteAllTheSame' : 'serial.pasteAct')}
        </Button>
        <Button variant="link" onClick={onClose}>{t('typing.cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
