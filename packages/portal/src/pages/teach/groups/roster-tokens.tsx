import { Alert, ClipboardCopyButton, CodeBlock, CodeBlockAction, CodeBlockCode } from '@patternfly/react-core';
import type { RosterLine } from '@paravcl/shared/api/roster';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useCopy } from '../../../states/use-copy';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';

/** The tokens of accounts that were made, a line for each person, to copy and hand out; shown this once. */
export function RosterTokens({ lines }: { readonly lines: readonly RosterLine[] }): ReactNode {
  const { t } = useTranslation('teach');
  const times = useTimes(useSiteZone());
  const made = lines.flatMap(({ name, password }) => (password === null ? [] : [{ name, ...password }]));
  const text = made.map(({ name, token }) => `${name}\t${token}`).join('\n');
  const { isCopied, copy, forget } = useCopy(text);
  const [first] = made;
  if (first === undefined) return null;
  return (
    <Alert variant="warning" isInline isLiveRegion component="p" title={t('roster.tokens', { count: made.length })}>
      <p>{t('roster.handOut', { address: `${location.origin}/password`, at: times.moment(first.expiresAt) })}</p>
      <p>{t('shell:shownOnce')}</p>
      <CodeBlock
        actions={
          <CodeBlockAction>
            <ClipboardCopyButton id="roster-tokens-copy" textId="roster-tokens" variant="plain" aria-label={t('shell:copy')} onClick={copy} onTooltipHidden={forget}>{t(isCopied ? 'shell:copied' : 'shell:copy')}</ClipboardCopyButton>
          </CodeBlockAction>
        }
      >
        <CodeBlockCode id="roster-tokens" aria-label={t('roster.tokenList')}>{text}</CodeBlockCode>
      </CodeBlock>
    </Alert>
  );
}
