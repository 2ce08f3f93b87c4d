import { Modal, ModalBody, ModalHeader } from '@patternfly/react-core';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { RemovalForm } from './removal-form';

/** Before a host is retired and what was put on it is taken off. */
export function RemoveHost({ slave, onClose }: { readonly slave: Slave; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('install');
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="removal-title">
      <ModalHeader title={t('removal.title', { name: slave.name })} labelId="removal-title" titleIconVariant="warning" />
      <ModalBody>
        <RemovalForm slaveId={slave.id} name={slave.name} first={{ address: slave.address ?? '', port: 22, user: 'root', keepPackages: null }} onCancel={onClose} />
      </ModalBody>
    </Modal>
  );
}
