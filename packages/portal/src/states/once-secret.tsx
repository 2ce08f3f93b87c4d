import { Alert, ClipboardCopy, ClipboardCopyButton, CodeBlock, CodeBlockAction, CodeBlockCode } from '@patternfly/react-core';
import { useId, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useCopy } from './use-copy';

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
      {secret.includes('\n') ? <Lines title={title} text={secret} /> : <ClipboardCopy isReadOnly hoverTip={t('copy')} clickTip={t('copied')} textAriaLabel={title}>{secret}</ClipboardCopy>}
    </Alert>
  );
}

/** A field of one line would join them, for those who mark and copy by hand. */
function Lines({ title, text }: { readonly title: string; readonly text: string }): ReactNode {
  const { t } = useTranslation('shell');
  const id = useId();
  const { isCopied, copy, forget } = useCopy(text);
  const button = <ClipboardCopyButton id={id} aria-label={t('copy')} variant="plain" onClick={copy} onTooltipHidden={forget}>{t(isCopied ? 'copied' : 'copy')}</ClipboardCopyButton>;
  return (
    <CodeBlock actions={<CodeBlockAction>{button}</CodeBlockAction>}>
      <CodeBlockCode role="region" aria-label={title}>{text}</CodeBlockCode>
    </CodeBlock>
  );
}
