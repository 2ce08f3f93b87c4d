import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import type { Topic } from '../../../api/use-api';

interface Sending<Answer> {
  readonly isPending: boolean;
  readonly problem: ApiProblem | null;
  /** Asks under an Idempotency-Key: the same one until it was answered or `changed`. */
  readonly send: (ask: (key: string) => Promise<Answer>, then: (answer: Answer) => void) => void;
  /** Something else is wanted now. */
  readonly changed: () => void;
}

/** As `useDo`, for what has a secret in it: neither the query client nor the keys of what is wanted keep what was sent. */
export function useSend<Answer>(changes: Topic): Sending<Answer> {
  const client = useQueryClient();
  const key = useRef<string | null>(null);
  const [isPending, setIsPending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const send: Sending<Answer>['send'] = (ask, then) => {
    setIsPending(true);
    setProblem(null);
    ask((key.current ??= crypto.randomUUID()))
      .then(
        (answer) => {
          key.current = null;
          void client.invalidateQueries({ queryKey: [changes] });
          then(answer);
        },
        (error: unknown) => {
          if (!(error instanceof ApiProblem)) throw error;
          setProblem(error);
        },
      )
      .finally(() => setIsPending(false));
  };
  return { isPending, problem, send, changed: () => { key.current = null; } };
}
