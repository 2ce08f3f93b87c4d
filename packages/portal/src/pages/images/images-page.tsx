import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection, Tab, Tabs, TabTitleText } from '@patternfly/react-core';
import CubesIcon from '@patternfly/react-icons/dist/esm/icons/cubes-icon';
import type { ImageKind } from '@paravcl/shared/domain/image';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { Read } from '../../states/read';
import { LinkButton } from '../../shell/link-button';
import { PageHead } from '../../shell/page-head';
import { useAll } from '../../api/use-all';
import { familiesOf } from './families-of';
import { FamilyCard } from './family-card';
import { kinds, nouns } from './nouns';
import '../teach/teach.css';
import '../fleet/fleet.css';

/** What the lab can run: families with their versions, the one in production marked. */
export function ImagesPage(): ReactNode {
  const { t } = useTranslation('images');
  const [params, setParams] = useSearchParams();
  const kind = kinds.find((each) => each === params.get('kind')) ?? 'disk';
  return (
    <>
      <PageHead title={t('title')} actions={<><LinkButton to={`/images/upload?kind=${kind}`}>{t('upload.verb')}</LinkButton><LinkButton to="/store" variant="secondary">{t('store.title')}</LinkButton></>} />
      <PageSection>
        <Tabs activeKey={kind} onSelect={(_event, key) => setParams({ kind: String(key) }, { replace: true })} aria-label={t('kinds')} mountOnEnter unmountOnExit>
          {kinds.map((each) => (
            <Tab key={each} eventKey={each} title={<TabTitleText>{t(`kind.${each}`)}</TabTitleText>}>
              <Families kind={each} />
            </Tab>
          ))}
        </Tabs>
      </PageSection>
    </>
  );
}

function Families({ kind }: { readonly kind: ImageKind }): ReactNode {
  const { t, i18n } = useTranslation('images');
  const images = useAll('images', `get /${nouns[kind]}`, {});
  return (
    <div className="pv-images-families">
      <Read of={images}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState headingLevel="h2" titleText={t(`none.${kind}`)} icon={CubesIcon}>
              <EmptyStateBody>{t(`noneBody.${kind}`)}</EmptyStateBody>
              <EmptyStateFooter><EmptyStateActions><LinkButton to={`/images/upload?kind=${kind}`}>{t('upload.verb')}</LinkButton></EmptyStateActions></EmptyStateFooter>
            </EmptyState>
          ) : (
            <div className="pv-fleet-stack">{familiesOf(all, i18n.language).map((family) => <FamilyCard key={family.id} family={family} />)}</div>
          )
        }
      </Read>
    </div>
  );
}
