import { Alert } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';

/** Beside a form or an action that was refused: the master's sentence, read out when it appears. */
export function ProblemAlert({ problem }: { readonly problem: ApiProblem | null }): ReactNode {
  if (problem === null) return null;
  return <Alert variant="danger" isInline isLiveRegion title={problem.message} component="p" />;
}
