import './why.css';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { partsOf, type Priority } from './parts-of-priority';

/** A priority as its five labelled parts, drawn as bars, and their sum; one table for eyes and for screen readers. */
export function PriorityParts({ priority, caption }: { readonly priority: Priority; readonly caption?: string }): ReactNode {
  const { t, i18n } = useTranslation('why');
  const { parts, pf, weight, pi, aging, usage, most } = partsOf(priority);
  const signed = new Intl.NumberFormat(i18n.language, { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: 'exceptZero' });
  const plain = new Intl.NumberFormat(i18n.language, { minimumFractionDigits: 2, maximumFractionDigits: 3 });
  const two = new Intl.NumberFormat(i18n.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return (
    <table className="pv-parts">
      <caption className="pf-v6-screen-reader">{caption ?? t('parts.caption')}</caption>
      <tbody>
        {parts.map(({ name, value }) => (
          <tr key={name}>
            <th scope="row">
              {t(`parts.${name}.name`)}
              <small>{t(`parts.${name}.meaning`)}</small>
            </th>
            <td className="pv-parts__bars" aria-hidden="true">
              <div className="pv-parts__bar">
                <span className={value < 0 ? 'pv-parts__down' : 'pv-parts__up'} style={{ width: `${(Math.abs(value) / most) * 50}%`, ...(value === 0 ? { display: 'none' } : {}) }} />
              </div>
            </td>
            <td className="pv-parts__value">{signed.format(value)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={2}>{t('parts.sum')}</th>
          <td className="pv-parts__value">{signed.format(pf)}</td>
        </tr>
        <tr className="pv-parts__pi">
          <th scope="row" colSpan={2}>{t('parts.pi', { weight: plain.format(weight), pf: two.format(pf) })}</th>
          <td className="pv-parts__value">{two.format(pi)}</td>
        </tr>
        {aging !== 0 && (
          <tr>
            <th scope="row" colSpan={2}>{t('parts.aging')}</th>
            <td className="pv-parts__value">{signed.format(aging)}</td>
          </tr>
        )}
        {usage !== 0 && (
          <tr>
            <th scope="row" colSpan={2}>{t('parts.usage')}</th>
            <td className="pv-parts__value">{signed.format(usage)}</td>
          </tr>
        )}
      </tfoot>
    </table>
  );
}
