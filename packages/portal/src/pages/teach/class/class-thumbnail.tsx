import DesktopIcon from '@patternfly/react-icons/dist/esm/icons/desktop-icon';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { addressOf } from '../../../api/call';
import { FetchSlots } from './fetch-slots';

const everyMs = 10_000;
/** Of all thumbnails together: each is a question to a host. */
const slots = new FetchSlots(4);

interface ClassThumbnailProps {
  readonly instanceId: string;
  /** Its guest has a screen now. */
  readonly isOn: boolean;
  /** What the picture is, for who does not see it. */
  readonly alt: string;
}

/** The screen of a guest, small, read again every ten seconds while it is in view. Its room is the same with and without a picture. */
export function ClassThumbnail({ instanceId, isOn, alt }: ClassThumbnailProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const [isSeen, setIsSeen] = useState(false);
  const picture = usePicture(instanceId, isOn && isSeen);
  useEffect(() => {
    if (frame.current === null) return undefined;
    const observer = new IntersectionObserver((entries) => setIsSeen(entries.at(-1)?.isIntersecting === true), { rootMargin: '100px' });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={frame} className="pv-teach-screen">
      {isOn && picture !== null ? <img src={picture} alt={alt} /> : <DesktopIcon aria-hidden />}
    </div>
  );
}

/** The address of the newest picture, or null before there is one. */
function usePicture(instanceId: string, isWanted: boolean): string | null {
  const [picture, setPicture] = useState<string | null>(null);
  useEffect(() => {
    if (!isWanted) return undefined;
    const leaving = new AbortController();
    let timer: number | undefined;
    const read = async (): Promise<void> => {
      if (!document.hidden) {
        const blob = await slots.run(() => pictureOf(instanceId, leaving.signal), leaving.signal).catch(() => null);
        if (leaving.signal.aborted) return;
        if (blob !== null) setPicture(URL.createObjectURL(blob));
      }
      timer = window.setTimeout(() => void read(), everyMs);
    };
    void read();
    return () => {
      leaving.abort();
      window.clearTimeout(timer);
    };
  }, [instanceId, isWanted]);
  useEffect(() => () => {
    if (picture !== null) URL.revokeObjectURL(picture);
  }, [picture]);
  return picture;
}

/** Null when there is none now: the guest has just gone, or its host does not answer. */
async function pictureOf(instanceId: string, signal: AbortSignal): Promise<Blob | null> {
  const response = await fetch(addressOf('/instances/:instanceId/screenshot', { params: { instanceId } }), { credentials: 'same-origin', signal });
  return response.ok ? response.blob() : null;
}
