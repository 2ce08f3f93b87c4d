import { Breadcrumb, BreadcrumbItem, Flex, FlexItem, PageSection, Tab, TabTitleText, Tabs, Title } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams, useSearchParams } from 'react-router';
import { useGet } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { isHostSilent } from '../../states/host-silent';
import { Read } from '../../states/read';
import { StateLabel } from '../../states/state-label';
import { WhyPanel } from '../why/why-panel';
import { History } from './history';
import { MachineActions } from './machine-actions';
import { MachineStanding } from './machine-standing';
import { Overview } from './overview';
import { SerialLog } from './serial-log';
import { Snapshots } from './snapshots';
import { useAround } from './use-around';

const tabs = ['overview', 'why', 'history', 'snapshots', 'printed'] as const;
type TabName = (typeof tabs)[number];

/** One machine: how it stands and what to do next, then what it is, why it is there, and everything that happened to it. */
export function MachinePage(): ReactNode {
  const { instanceId = '' } = useParams();
  const instance = useGet('instances', 'get /instances/:instanceId', { params: { instanceId } });
  return <PageSection><Read of={instance}>{(one) => <Machine instance={one} />}</Read></PageSection>;
}

function Machine({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const [search, setSearch] = useSearchParams();
  const around = useAround()(instance.id);
  const active = tabs.find((each) => each === search.get('tab')) ?? 'overview';
  const content: Readonly<Record<TabName, () => ReactNode>> = {
    overview: () => <Overview instance={instance} />,
    why: () => <WhyPanel of={{ instanceId: instance.id }} level="h2" />,
    history: () => <History instance={instance} />,
    snapshots: () => <Snapshots instance={instance} />,
    printed: () => <SerialLog instance={instance} />,
  };
  useTitle(instance.name);
  return (
    <div className="pv-lines">
      <Breadcrumb aria-label={t('trail')}>
        <BreadcrumbItem render={({ className }) => <Link to="/" className={className}>{t('mine')}</Link>} />
        <BreadcrumbItem isActive>{instance.name}</BreadcrumbItem>
      </Breadcrumb>
      <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }}>
        <Flex alignItems={{ default: 'alignItemsCenter' }}>
          <Title headingLevel="h1">{instance.name}</Title>
          <StateLabel state={instance.observed} isSilent={isHostSilent(instance)} />
        </Flex>
        <FlexItem>
          <MachineActions instance={instance} />
        </FlexItem>
      </Flex>
      <p>{t(isHostSilent(instance) ? 'meaning.hostSilent' : `meaning.${instance.observed}`)}</p>
      <MachineStanding instance={instance} around={around} isCompact={false} />
      <Tabs activeKey={active} aria-label={t('tabs')} mountOnEnter unmountOnExit onSelect={(_event, key) => setSearch(key === 'overview' ? {} : { tab: String(key) }, { replace: true })}>
        {tabs.map((each) => (
          <Tab key={each} eventKey={each} title={<TabTitleText>{t(`tab.${each}`)}</TabTitleText>}>
            <div className="pv-tab">{content[each]()}</div>
          </Tab>
        ))}
      </Tabs>
    </div>
  );
}
