import { Button, Checkbox, Label } from '@patternfly/react-core';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon';
import { memo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { StateLabel } from '../../../states/state-label';
import { ConsoleThumbnail } from '../../console/console-thumbnail';
import { titleOf, type Tile } from './class-tile';

interface TileCardProps {
  readonly tile: Tile;
  readonly isChosen: boolean;
  readonly isBusy: boolean;
  /** `isRange`: everything from the one that was chosen last. */
  readonly onChoose: (slot: number, isRange: boolean) => void;
  readonly onAgain: (tile: Tile) => void;
}

/** One machine of a class: whose it is, its screen, how it stands, why, and what helps. */
export const TileCard = memo(function TileCard({ tile, isChosen, isBusy, onChoose, onAgain }: TileCardProps): ReactNode {
  const { t } = useTranslation('teach');
  const { slot, instanceId, person, name, phase, state, isSilent, sentence } = tile;
  const title = titleOf(tile);
  const canTryAgain = state === 'failed' || state === 'refused';
  return (
    <li className="pv-teach-tile" data-phase={phase} data-chosen={isChosen || undefined}>
      <Checkbox
        id={`tile-${slot}`}
        data-slot={slot}
        className="pv-teach-tile-name"
        label={title}
        isChecked={isChosen}
        onChange={(event) => onChoose(slot, (event.nativeEvent as MouseEvent).shiftKey === true)}
      />
      <ConsoleThumbnail instanceId={instanceId} name={title} isOn={state === 'running' && !isSilent} everySeconds={10} />
      <div className="pv-teach-tile-line">
        <TileState state={state} isSilent={isSilent} />
        {state === 'running' && <Link to={`/machines/${instanceId}/console`} aria-label={t('tile.consoleOf', { name: title })}>{t('tile.console')}</Link>}
        {canTryAgain && <Button variant="secondary" size="sm" isDisabled={isBusy} aria-label={t('tile.againOf', { name: title })} onClick={() => onAgain(tile)}>{t('shell:tryAgain')}</Button>}
      </div>
      {person !== null && name !== null && <div className="pv-teach-quiet pv-teach-tile-machine">{name}</div>}
      {sentence !== null && <p className="pv-teach-tile-why">{sentence}</p>}
    </li>
  );
});

function TileState({ state, isSilent }: Pick<Tile, 'state' | 'isSilent'>): ReactNode {
  const { t } = useTranslation('teach');
  switch (state) {
    case 'wanted':
      return <Label isCompact color="grey" icon={<ClockIcon />}>{t('tile.wanted')}</Label>;
    case 'cancelled':
      return <Label isCompact color="grey" icon={<PowerOffIcon />}>{t('tile.cancelled')}</Label>;
    case 'refused':
      return <Label isCompact color="red" icon={<ExclamationCircleIcon />}>{t('tile.refused')}</Label>;
    default:
      return <StateLabel state={state} isSilent={isSilent} />;
  }
}
