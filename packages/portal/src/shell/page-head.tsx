import { Breadcrumb, BreadcrumbItem, Flex, PageSection, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useTitle } from './title';

interface PageHeadProps {
  readonly title: string;
  /** The page above this one. */
  readonly above?: { readonly to: string; readonly words: string };
  /** What can be done, the likely one first. */
  readonly actions?: ReactNode;
  /** What the page says before everything else. */
  readonly children?: ReactNode;
}

/** The head of a page: where one is, what it is called, what can be done. */
export function PageHead({ title, above, actions, children }: PageHeadProps): ReactNode {
  useTitle(title);
  return (
    <PageSection>
      {above !== undefined && (
        <Breadcrumb className="pv-crumbs">
          <BreadcrumbItem>
            <Link to={above.to}>{above.words}</Link>
          </BreadcrumbItem>
          <BreadcrumbItem isActive>{title}</BreadcrumbItem>
        </Breadcrumb>
      )}
      <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }} alignItems={{ default: 'alignItemsCenter' }} gap={{ default: 'gapMd' }}>
        <Title headingLevel="h1" className="pv-name">{title}</Title>
        {actions !== undefined && <Flex gap={{ default: 'gapSm' }}>{actions}</Flex>}
      </Flex>
      {children}
    </PageSection>
  );
}
