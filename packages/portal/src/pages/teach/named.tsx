import type { ReactNode } from 'react';
import { Link } from 'react-router';

interface NamedProps {
  readonly name: string;
  readonly description: string;
  /** Its page, for who may see it. */
  readonly to?: string | undefined;
}

/** A thing of a list: its name, and what is said of it below. */
export function Named({ name, description, to }: NamedProps): ReactNode {
  return (
    <>
      {to === undefined ? name : <Link to={to}>{name}</Link>}
      {description !== '' && <div className="pv-teach-quiet pv-teach-clip">{description}</div>}
    </>
  );
}
