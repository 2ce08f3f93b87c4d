import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { ReactNode } from 'react';

/** One part of the account, with its heading. */
export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <Card isCompact isFullHeight component="section">
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody className="pv-lines">{children}</CardBody>
    </Card>
  );
}
