import { Alert, ClipboardCopyButton, CodeBlock, CodeBlockAction, CodeBlockCode } from '@patternfly/react-core';
import type { RosterLine } from '@paravcl/shared/api/roster';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';

/** The tokens of accounts that were made, a line for each person, to copy and hand out; shown this once. */
export function RosterTokens({ lines }: { readonly lines: readonly RosterLine[] }): ReactNode {
  const { t } = useTranslation('teach');
  const times = useTimes(useSiteZone());
  const [isCopied, setIsCopied] = useState(false);
  const made = lines.flatMap(({ name, password }) => (password === null ? [] : [{ name, ...password }]));
  const [first] = made;
  if (first === undefined) return null;
  const text = made.map(({ name, token }) => `${name}\t${token}`).join('\n');
  const copy = (): void => void navigator.clipboard.writeText(text).then(() => setIsCopied(true));
  return (
    <Alert variant="warning" isInline isLiveRegion component="p" title={t('roster.tokens', { count: made.length })}>
      <p>{t('roster.handOut', { address: `${location.origin}/password`, at: times.moment(first.expiresAt) })}</p>
      <p>{t('shell:shownOnce')}</p>
      <CodeBlock
        actions={
          <CodeBlockAction>
            <ClipboardCopyButton id="roster-tokens-copy" textId="roster-tokens" variant="plain" aria-label={t('shell:copy')} onClick={copy} onTooltipHidden={() => setIsCopied(false)}>{t(isCopied ? 'shell:copied' : 'shell:copy')}</ClipboardCopyButton>
          </CodeBlockAction>
        }
      >
        <CodeBlockCode id="roster-tokens" aria-label={t('roster.tokenList')}>{text}</CodeBlockCode>
      </CodeBlock>
    </Alert>
  );
}
