import { ClipboardCopy, ExpandableSection } from '@patternfly/react-core';
import type { JoinWay } from '@paravcl/shared/api/join-tokens';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { OnceSecret } from '../../../states/once-secret';
import '../fleet.css';

/** How a machine becomes a host: the one line for a bare machine first; where the agent is there already, its own command. */
export function JoinWayShown({ way, until }: { readonly way: JoinWay; readonly until: string }): ReactNode {
  const { t } = useTranslation('fleet');
  const installed = (
    <div className="pv-fleet-stack">
      <OnceSecret title={t('join.command')} secret={way.command}>
        <p>{t('join.paste', { at: until })}</p>
      </OnceSecret>
      <div>
        <p>{t('join.orAsk')}</p>
        <ClipboardCopy isReadOnly hoverTip={t('shell:copy')} clickTip={t('shell:copied')} textAriaLabel={t('join.commandThatAsks')}>{way.commandThatAsks}</ClipboardCopy>
      </div>
    </div>
  );
  if (way.oneLine === null) return installed;
  return (
    <div className="pv-fleet-stack">
      <div>
        <p>{t('join.pasteLine')}</p>
        <ClipboardCopy isReadOnly hoverTip={t('shell:copy')} clickTip={t('shell:copied')} textAriaLabel={t('join.oneLine')}>{way.oneLine}</ClipboardCopy>
        <p className="pv-quiet">{t('join.whatItDoes')}</p>
      </div>
      <OnceSecret title={t('join.token')} secret={way.token}>
        <p>{t('join.whenAsked', { at: until })}</p>
      </OnceSecret>
      <ExpandableSection toggleText={t('join.alreadyInstalled')}>{installed}</ExpandableSection>
    </div>
  );
}
