import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { ProblemAlert } from './problem-alert';

interface ConfirmProps {
  /** The question, which names the thing. */
  readonly title: string;
  /** The verb on the button, never "OK". */
  readonly verb: string;
  /** It destroys something. */
  readonly isDanger?: boolean;
  readonly isPending?: boolean;
  readonly problem?: ApiProblem | null;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  /** What will be lost, and what stays. */
  readonly children: ReactNode;
}

/** The question before something that cannot be taken back. It stays open with the master's sentence when that says no. */
export function Confirm({ title, verb, isDanger = false, isPending = false, problem = null, onConfirm, onClose, children }: ConfirmProps): ReactNode {
  const { t } = useTranslation('shell');
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="confirm-title" aria-describedby="confirm-body">
      <ModalHeader title={title} labelId="confirm-title" {...(isDanger ? { titleIconVariant: 'warning' as const } : {})} />
      <ModalBody id="confirm-body" className="pv-lines">
        {children}
        <ProblemAlert problem={problem} />
      </ModalBody>
      <ModalFooter>
        <Button variant={isDanger ? 'danger' : 'primary'} isLoading={isPending} isDisabled={isPending} onClick={onConfirm}>{verb}</Button>
        <Button variant="link" onClick={onClose}>{t('cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
