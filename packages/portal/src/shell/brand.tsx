import type { ReactNode } from 'react';
import { useGet } from '../api/use-api';
import icon from './icon.svg';

/** The mark and the name of the lab; until that is known, ours. */
export function Brand(): ReactNode {
  const site = useGet('none', 'get /site', {}).data;
  return (
    <span className="pv-brand">
      <img src={icon} alt="" width={28} height={28} />
      <span className="pv-brand-name">{site?.name ?? 'ParaVCL'}</span>
    </span>
  );
}
