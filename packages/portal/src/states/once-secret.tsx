import { Alert, ClipboardCopy } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface OnceSecretProps {
  /** What it is and what to do with it. */
  readonly title: string;
  readonly secret: string;
  readonly children?: ReactNode;
}

/** What is shown this once: a token or a command, to copy now. */
export function OnceSecret({ title, secret, children }: OnceSecretProps): ReactNode {
  const { t } = useTranslation('shell');
  return (
    <Alert variant="warning" isInline isLiveRegion title={title} component="p">
      {children}
      <p>{t('shownOnce')}</p>
      <ClipboardCopy isReadOnly hoverTip={t('copy')} clickTip={t('copied')} textAriaLabel={title}>{secret}</ClipboardCopy>
    </Alert>
  );
}
