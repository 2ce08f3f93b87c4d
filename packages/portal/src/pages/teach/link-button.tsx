import { Button, type ButtonProps } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface LinkButtonProps {
  readonly to: string;
  readonly variant?: NonNullable<ButtonProps['variant']>;
  readonly size?: NonNullable<ButtonProps['size']>;
  readonly children: ReactNode;
}

/** A link to another page that looks like a button. */
export function LinkButton({ to, variant = 'primary', size = 'default', children }: LinkButtonProps): ReactNode {
  return <Button variant={variant} size={size} component={(props) => <Link {...props} to={to} />}>{children}</Button>;
}
