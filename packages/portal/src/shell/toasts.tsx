import { Alert, AlertActionCloseButton, AlertGroup, type AlertProps } from '@patternfly/react-core';
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';

interface Toast {
  readonly id: number;
  readonly sentence: string;
  readonly variant: NonNullable<AlertProps['variant']>;
}

export type Say = (sentence: string, variant?: Toast['variant']) => void;

const SayContext = createContext<Say>(() => undefined);

/** Says in a corner what just happened: what was asked for has begun or was refused, or something came from elsewhere. */
export const useSay = (): Say => useContext(SayContext);

const mostAtOnce = 4;
let lastId = 0;

/** Where it is said: a few at once, each for some seconds; what went wrong stays until it is closed. */
export function Toasts({ children }: { readonly children: ReactNode }): ReactNode {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const close = useCallback((id: number) => setToasts((now) => now.filter((toast) => toast.id !== id)), []);
  const say = useMemo<Say>(() => (sentence, variant = 'success') => setToasts((now) => [...now, { id: ++lastId, sentence, variant }].slice(-mostAtOnce)), []);
  return (
    <SayContext value={say}>
      {children}
      <AlertGroup isToast isLiveRegion>
        {toasts.map(({ id, sentence, variant }) => (
          <Alert key={id} component="p" title={sentence} variant={variant} timeout={variant === 'danger' ? false : 8_000} onTimeout={() => close(id)} actionClose={<AlertActionCloseButton onClose={() => close(id)} />} />
        ))}
      </AlertGroup>
    </SayContext>
  );
}
