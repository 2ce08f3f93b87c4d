import type { ReactNode } from 'react';
import icon from './icon.svg';

/** The mark and the name. */
export function Brand(): ReactNode {
  return (
    <span className="pv-brand">
      <img src={icon} alt="" width={28} height={28} />
      <span className="pv-brand-name">ParaVCL</span>
    </span>
  );
}
