import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, ExpandableSection, Gallery } from '@patternfly/react-core';
import ServerIcon from '@patternfly/react-icons/dist/esm/icons/server-icon';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useAround } from '../machine/use-around';
import { useImageNames } from '../machine/use-image-names';
import { MachineCard } from './machine-card';

/** My machines as cards, newest first, whatever happens to them; below them those in the recycle bin. */
export function Machines({ instances }: { readonly instances: readonly Instance[] }): ReactNode {
  const { t } = useTranslation('home');
  const around = useAround();
  const imageName = useImageNames();
  const cards = (those: readonly Instance[]): ReactNode => (
    <Gallery hasGutter minWidths={{ default: 'min(100%, 18rem)' }}>
      {those.map((instance) => <MachineCard key={instance.id} instance={instance} around={around(instance.id)} imageName={imageName(instance.imageId)} />)}
    </Gallery>
  );
  const recycled = instances.filter(({ recycledAt }) => recycledAt !== null);
  const kept = instances.filter(({ recycledAt }) => recycledAt === null);
  return (
    <>
      {kept.length === 0 ? (
        <EmptyState headingLevel="h2" titleText={t('none.title')} icon={ServerIcon} variant="sm">
          <EmptyStateBody>{t('none.body')}</EmptyStateBody>
          <EmptyStateFooter>
            <EmptyStateActions>
              <Link to="/launch" className="pf-v6-c-button pf-m-primary">{t('none.launch')}</Link>
            </EmptyStateActions>
          </EmptyStateFooter>
        </EmptyState>
      ) : (
        <section aria-label={t('have')}>
          <h2 className="pf-v6-screen-reader">{t('have')}</h2>
          {cards(kept)}
        </section>
      )}
      {recycled.length > 0 && (
        <ExpandableSection toggleText={t('bin', { count: recycled.length })} isIndented>
          <h2 className="pf-v6-screen-reader">{t('bin', { count: recycled.length })}</h2>
          {cards(recycled)}
        </ExpandableSection>
      )}
    </>
  );
}
