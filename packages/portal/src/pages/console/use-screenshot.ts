import { useEffect, useState, type RefObject } from 'react';
import { addressOf } from '@paravcl/shared/client/address-of';
import { withinTime } from '@paravcl/shared/client/time-limit';
import { FetchSlots } from './fetch-slots';

export interface Screenshot {
  /** Of a picture, for an <img>; null: there was none yet. */
  readonly address: string | null;
  /** False: the machine does not run any more, or the last one could not be had. */
  readonly isFresh: boolean;
}

/** A slave makes a picture within a moment; one that is slower is asked again in the next round. */
const withinMs = 10_000;
/** Of all pictures of a page together: each is a question to a host. */
const slots = new FetchSlots(4);

/** A picture of a machine's screen now and then, while the element and the page can be seen. Null: of none, but the last one stays. */
export function useScreenshot(of: RefObject<HTMLElement | null>, instanceId: string | null, everyMs: number): Screenshot {
  const [shot, setShot] = useState<Screenshot>({ address: null, isFresh: false });
  useEffect(() => {
    const element = of.current;
    if (instanceId === null || element === null) return;
    const abort = new AbortController();
    let timer: number | undefined;
    let isSeen = false;
    let isAsking = false;
    const take = async (): Promise<void> => {
      window.clearTimeout(timer);
      if (!isSeen || document.hidden || isAsking || abort.signal.aborted) return;
      isAsking = true;
      const picture = await slots.run(() => pictureOf(instanceId, abort.signal), abort.signal).catch(() => null);
      isAsking = false;
      if (abort.signal.aborted) return;
      setShot((before) => (picture === null ? { address: before.address, isFresh: false } : { address: URL.createObjectURL(picture), isFresh: true }));
      // Some chance in it, so that a whole class is not photographed in one moment.
      timer = window.setTimeout(() => void take(), everyMs * (0.9 + 0.2 * Math.random()));
    };
    const seen = new IntersectionObserver((entries) => {
      isSeen = entries.at(-1)?.isIntersecting === true;
      void take();
    });
    seen.observe(element);
    const shown = (): void => void take();
    document.addEventListener('visibilitychange', shown);
    return () => {
      abort.abort();
      window.clearTimeout(timer);
      seen.disconnect();
      document.removeEventListener('visibilitychange', shown);
    };
  }, [everyMs, instanceId, of]);
  const { address } = shot;
  // The one before is given back once another is shown.
  useEffect(() => () => void (address !== null && URL.revokeObjectURL(address)), [address]);
  return instanceId === null ? { address, isFresh: false } : shot;
}

function pictureOf(instanceId: string, signal: AbortSignal): Promise<Blob | null> {
  return withinTime(withinMs, signal, async (limited) => {
    const response = await fetch(addressOf('/instances/:instanceId/screenshot', { params: { instanceId } }), { credentials: 'same-origin', signal: limited });
    if (!response.ok || response.headers.get('content-type')?.startsWith('image/') !== true) return null;
    return response.blob();
  }).catch(() => null);
}
