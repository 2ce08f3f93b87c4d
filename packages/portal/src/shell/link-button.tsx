import { Button, type ButtonProps } from '@patternfly/react-core';
import { useCallback, type ComponentProps, type ReactNode } from 'react';
import { Link } from 'react-router';

interface LinkButtonProps {
  readonly to: string;
  readonly variant?: NonNullable<ButtonProps['variant']>;
  readonly size?: NonNullable<ButtonProps['size']>;
  readonly children: ReactNode;
}

/** A link to another page that looks like a button. */
export function LinkButton({ to, variant = 'primary', size = 'default', children }: LinkButtonProps): ReactNode {
  // The same component at every render: another one would be another link in the page, without the focus and the press that this one has.
  const component = useCallback((props: Omit<ComponentProps<typeof Link>, 'to'>) => <Link {...props} to={to} />, [to]);
  return <Button variant={variant} size={size} component={component}>{children}</Button>;
}
