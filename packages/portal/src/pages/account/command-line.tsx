import { ClipboardCopy } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { Part } from './part';

/** The two lines by which one gets paravcl and logs in with it; nothing where this master has none to give. */
export function CommandLine(): ReactNode {
  const { t } = useTranslation('account');
  const { data } = useGet('none', 'get /command-line', {});
  if (data === undefined || data.file === null) return null;
  const line = (label: string, text: string): ReactNode => (
    <div>
      <p>{label}</p>
      <ClipboardCopy isReadOnly hoverTip={t('shell:copy')} clickTip={t('shell:copied')} textAriaLabel={label}>{text}</ClipboardCopy>
    </div>
  );
  return (
    <Part title={t('commandLine.title')}>
      <p>{t('commandLine.lead')}</p>
      {line(t('commandLine.install'), data.file.install)}
      {line(t('commandLine.login'), data.login)}
      <p className="pv-quiet">{t('commandLine.needs', { version: data.file.oldestNode })}</p>
    </Part>
  );
}
