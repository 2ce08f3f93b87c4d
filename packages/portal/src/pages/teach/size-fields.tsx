import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { tellMiB } from '../../states/sizes';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { wholeNumber } from '../../states/whole-number';
import { sizeNames, type SizeTexts } from './sizes-typed';
import { TextField } from '../../states/text-field';

interface SizeFieldsProps {
  readonly value: SizeTexts;
  readonly onChange: (value: SizeTexts) => void;
  readonly problem: ApiProblem | null;
  /** What an empty field comes to, where that is known. */
  readonly absent?: Partial<SizeTexts>;
}

/** Cores, RAM, disk, network and time of a machine; an empty field leaves it to the image or the site. */
export function SizeFields({ value, onChange, problem, absent = {} }: SizeFieldsProps): ReactNode {
  const { t } = useTranslation('teach');
  return (
    <div className="pv-teach-sizes">
      {sizeNames.map((name) => {
        const number = wholeNumber(value[name]);
        const local = Number.isNaN(number) ? t('sizes.whole') : null;
        const isMiB = name === 'ramMiB' || name === 'diskMiB';
        const told = number === undefined ? (absent[name] === undefined ? t(`sizes.absent.${name}`) : t('sizes.absentKnown', { value: absent[name] })) : isMiB && Number.isInteger(number) && number >= 1024 ? t('sizes.isSize', { size: tellMiB(number) }) : '\u00a0';
        return <TextField key={name} label={t(`sizes.${name}`)} type="number" value={value[name]} onChange={(next) => onChange({ ...value, [name]: next })} fault={local ?? problem?.faultOf(name) ?? null} help={told} />;
      })}
    </div>
  );
}
