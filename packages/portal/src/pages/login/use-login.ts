import { useQueryClient } from '@tanstack/react-query';
import { useDo } from '../../api/use-api';
import type { Answered } from '@paravcl/shared/client/routes';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { noteSession } from '../../session/ended';

interface Login {
  readonly login: (name: string, password: string, then: (answer: Answered<'post /sessions'>) => void, refused?: () => void) => void;
  readonly isPending: boolean;
  readonly problem: ApiProblem | null;
}

/** Logs in; nothing that somebody else had read here stays. */
export function useLogin(): Login {
  const client = useQueryClient();
  const { mutate, isPending, error } = useDo('post /sessions', []);
  return {
    login: (name, password, then, refused) =>
      mutate(
        { body: { name, password } },
        {
          onSuccess: (answer) => {
            client.clear();
            noteSession(true);
            then(answer);
          },
          onError: () => refused?.(),
        },
      ),
    isPending,
    problem: error,
  };
}
