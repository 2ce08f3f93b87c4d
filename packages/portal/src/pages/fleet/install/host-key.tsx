import { Alert, Checkbox, ClipboardCopy, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm } from '@patternfly/react-core';
import type { Answered } from '@paravcl/shared/client/routes';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { commandThatTells } from './host-key-file';

export type HostKey = Answered<'post /host-keys'>;

const variants = { new: 'info', known: 'success', changed: 'danger' } as const;

interface HostKeyShownProps {
  readonly id: string;
  readonly hostKey: HostKey;
  readonly isConfirmed: boolean;
  readonly onConfirm: (isConfirmed: boolean) => void;
  /** Of one that has changed: that it replaces the one before. */
  readonly isReplaced: boolean;
  readonly onReplace: (isReplaced: boolean) => void;
  readonly fault: string | null;
}

/** The key by which a host shows itself, how to compare it there, and that somebody did. */
export function HostKeyShown({ id, hostKey, isConfirmed, onConfirm, isReplaced, onReplace, fault }: HostKeyShownProps): ReactNode {
  const { t } = useTranslation('install');
  const { fingerprint, keyType, resolved, port, standing, sentence } = hostKey;
  const rows = [[t('key.fingerprint'), fingerprint], [t('key.type'), keyType], [t('key.resolved'), t('key.at', { address: resolved, port })]] as const;
  return (
    <>
      <Alert variant={variants[standing]} isInline isLiveRegion title={t(`key.standing.${standing}`)} component="p">{sentence}</Alert>
      <DescriptionList isCompact isHorizontal aria-label={t('key.title')}>
        {rows.map(([term, said]) => (
          <DescriptionListGroup key={term}>
            <DescriptionListTerm>{term}</DescriptionListTerm>
            <DescriptionListDescription><span className="pv-code">{said}</span></DescriptionListDescription>
          </DescriptionListGroup>
        ))}
      </DescriptionList>
      {standing !== 'known' && (
        <div className="pv-lines">
          <p>{t('key.compare')}</p>
          <ClipboardCopy variant="inline-compact" isCode isBlock hoverTip={t('shell:copy')} clickTip={t('shell:copied')}>{commandThatTells(keyType)}</ClipboardCopy>
        </div>
      )}
      {standing !== 'known' && <Checkbox id={`${id}-confirmed`} label={t(`key.confirm.${standing}`)} description={t('key.confirmHelp')} isChecked={isConfirmed} onChange={(_event, isOn) => onConfirm(isOn)} />}
      {standing === 'changed' && <Checkbox id={`${id}-replaced`} label={t('key.replaces')} description={t('key.replacesHelp')} isChecked={isReplaced} onChange={(_event, isOn) => onReplace(isOn)} />}
      {fault !== null && <Alert variant="danger" isInline isLiveRegion title={fault} component="p" />}
    </>
  );
}
