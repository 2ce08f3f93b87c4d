import type { Instance } from '@paravcl/shared/domain/instance';
import { PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useParams } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';

/** The machine of a page's address, read again whenever something of it changes; no page while it cannot be read. */
export function Machine({ children }: { readonly children: (instance: Instance) => ReactNode }): ReactNode {
  const { instanceId = '' } = useParams();
  // Asked again now and then as well: a console is looked at for hours, and the feed may be down with the rest.
  const instance = useGet('instances', 'get /instances/:instanceId', { params: { instanceId } }, { everyMs: 30_000 });
  if (instance.data !== undefined) return children(instance.data);
  return (
    <PageSection>
      <Read of={instance}>{children}</Read>
    </PageSection>
  );
}
