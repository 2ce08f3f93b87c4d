import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr, type TdProps, type ThProps } from '@patternfly/react-table';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { PageHead } from '../../shell/page-head';
import { Read } from '../../states/read';
import './teach.css';

export interface Column<Item> {
  readonly words: string;
  readonly cell: (item: Item) => ReactNode;
  readonly width?: NonNullable<ThProps['width']>;
  readonly modifier?: NonNullable<TdProps['modifier']>;
}

interface ListPageProps<Item> {
  readonly title: string;
  readonly of: UseQueryResult<readonly Item[], ApiProblem>;
  /** As the master gives them, unless told. */
  readonly inOrder?: (all: readonly Item[]) => readonly Item[];
  /** How one makes another: in the head, and in the middle while there is none. */
  readonly make?: ReactNode;
  readonly none: { readonly title: string; readonly body: string; readonly icon: ComponentType };
  readonly columns: readonly Column<Item>[];
  /** What can be done with one, in a column of its own at the end. */
  readonly actions?: (item: Item) => ReactNode;
  /** Narrower than this each row is a small list. */
  readonly gridBreakPoint?: 'grid-md' | 'grid-lg';
  readonly children?: ReactNode;
}

/** A page that lists things of one kind, with the first step where there is none yet. */
export function ListPage<Item extends { readonly id: string }>({ title, of, inOrder = (all) => all, make, none, columns, actions, gridBreakPoint = 'grid-md', children }: ListPageProps<Item>): ReactNode {
  const { t } = useTranslation('teach');
  return (
    <>
      <PageHead title={title} actions={of.data?.length === 0 ? undefined : make} />
      <PageSection>
        <Read of={of}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState headingLevel="h2" titleText={none.title} icon={none.icon}>
                <EmptyStateBody>{none.body}</EmptyStateBody>
                {make !== undefined && (
                  <EmptyStateFooter>
                    <EmptyStateActions>{make}</EmptyStateActions>
                  </EmptyStateFooter>
                )}
              </EmptyState>
            ) : (
              <Table aria-label={title} variant="compact" gridBreakPoint={gridBreakPoint}>
                <Thead>
                  <Tr>
                    {columns.map(({ words, width }) => <Th key={words} {...(width === undefined ? {} : { width })}>{words}</Th>)}
                    {actions !== undefined && <Th screenReaderText={t('actions')} />}
                  </Tr>
                </Thead>
                <Tbody>
                  {inOrder(all).map((item) => (
                    <Tr key={item.id}>
                      {columns.map(({ words, cell, modifier }) => <Td key={words} dataLabel={words} {...(modifier === undefined ? {} : { modifier })}>{cell(item)}</Td>)}
                      {actions !== undefined && <Td dataLabel={t('actions')} modifier="fitContent">{actions(item)}</Td>}
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </PageSection>
      {children}
    </>
  );
}
