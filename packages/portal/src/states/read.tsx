import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { ErrorState } from './error-state';
import { Loading } from './loading';

/** What was read, once it is there; before that a spinner, or why it cannot be shown. Later failures leave what was there. */
export function Read<Data>({ of, children }: { readonly of: UseQueryResult<Data, ApiProblem>; readonly children: (data: Data) => ReactNode }): ReactNode {
  if (of.data !== undefined) return children(of.data);
  return of.error === null ? <Loading /> : <ErrorState problem={of.error} retry={() => void of.refetch()} />;
}
