import DesktopIcon from '@patternfly/react-icons/dist/esm/icons/desktop-icon';
import { useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import './console.css';
import { useScreenshot } from './use-screenshot';

interface ConsoleThumbnailProps {
  readonly instanceId: string;
  /** What it is called in the words for who does not see it: the machine, or whose it is. */
  readonly name: string;
  /** Its guest has a screen now. */
  readonly isOn: boolean;
  /** A new picture this often, while it can be seen. */
  readonly everySeconds?: number;
}

/**
 * A machine's screen, small, as wide as what it is put into and always of the same shape. Pictures are asked for only while it runs and
 * can be seen; where none can be had, the last one stays, pale, or a sign stands there.
 */
export function ConsoleThumbnail({ instanceId, name, isOn, everySeconds = 15 }: ConsoleThumbnailProps): ReactNode {
  const { t } = useTranslation('console');
  const frame = useRef<HTMLDivElement>(null);
  const { address, isFresh } = useScreenshot(frame, isOn ? instanceId : null, everySeconds * 1000);
  const alt = t(address === null ? 'thumbnail.none' : isFresh ? 'thumbnail.now' : 'thumbnail.before', { name });
  return (
    <div ref={frame} className="pv-thumbnail">
      {address === null ? (
        <span role="img" aria-label={alt}>
          <DesktopIcon />
        </span>
      ) : (
        <img src={address} alt={alt} className={isFresh ? undefined : 'pv-thumbnail-old'} />
      )}
    </div>
  );
}
