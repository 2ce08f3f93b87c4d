import type { ImageAnswer } from '@paravcl/shared/api/images';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../../api/call';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Noun } from '../nouns';
import { hashFile } from './hash-file';
import { mayGoOnByItself } from './may-go-on';
import { sendContent } from './send-content';

/** How an upload stands. */
export type Upload =
  | { readonly step: 'none' }
  | { readonly step: 'hashing' | 'sending' | 'paused'; readonly bytes: number }
  /** The connection broke; it is tried again by itself. */
  | { readonly step: 'waiting'; readonly bytes: number; readonly sentence: string }
  | { readonly step: 'refused'; readonly problem: ApiProblem }
  | { readonly step: 'sent' };

interface Uploading {
  readonly upload: Upload;
  readonly imageId: string | null;
  /** Announces a file under what `announce` makes of its SHA-256, and sends it. */
  readonly begin: (file: File, announce: (sha256: string) => Promise<ImageAnswer>) => void;
  /** Goes on with one that is announced. */
  readonly goOn: (file: File, imageId: string) => void;
  readonly pause: () => void;
}

const againAfterMs = 5_000;

/** An upload of one file: hashed, announced, sent, and gone on with where it broke off. */
export function useUpload(noun: Noun): Uploading {
  const client = useQueryClient();
  const [upload, setUpload] = useState<Upload>({ step: 'none' });
  const [imageId, setImageId] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const isUnderWay = upload.step === 'hashing' || upload.step === 'sending' || upload.step === 'waiting';
  useEffect(() => () => running.current?.abort(), []);
  useEffect(() => {
    if (!isUnderWay) return;
    const hold = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', hold);
    return () => window.removeEventListener('beforeunload', hold);
  }, [isUnderWay]);

  const run = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    try {
      await work(own.signal);
    } catch (error) {
      if (!own.signal.aborted) setUpload({ step: 'refused', problem: error instanceof ApiProblem ? error : new ApiProblem({ status: 0, detail: String(error) }) });
    }
    await client.invalidateQueries({ queryKey: ['images'] });
  };

  /** Sends until all is there. Where it broke off the master says each time: it knows what has arrived. */
  const send = async (file: File, id: string, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      let bytes = 0;
      try {
        const image = await call(`get /${noun}/:imageId`, { params: { imageId: id } }, { signal });
        bytes = image.receivedBytes;
        if (image.state !== 'uploading') break;
        setUpload({ step: 'sending', bytes });
        await sendContent(noun, id, file, bytes, signal, (sent) => setUpload((now) => (now.step === 'sending' ? { step: 'sending', bytes: sent } : now)));
        break;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiProblem) || !mayGoOnByItself(error)) throw error;
        const sentence = error.message;
        setUpload((now) => ({ step: 'waiting', bytes: 'bytes' in now ? Math.max(bytes, now.bytes) : bytes, sentence }));
        await new Promise((resolve) => window.setTimeout(resolve, againAfterMs));
      }
    }
    if (!signal.aborted) setUpload({ step: 'sent' });
  };

  return {
    upload,
    imageId,
    begin: (file, announce) =>
      void run(async (signal) => {
        setUpload({ step: 'hashing', bytes: 0 });
        const sha256 = await hashFile(file, signal, (bytes) => setUpload({ step: 'hashing', bytes }));
        if (sha256 === null) return;
        const { id } = await announce(sha256);
        setImageId(id);
        await send(file, id, signal);
      }),
    goOn: (file, id) => {
      setImageId(id);
      void run((signal) => send(file, id, signal));
    },
    pause: () => {
      running.current?.abort();
      setUpload((now) => ({ step: 'paused', bytes: 'bytes' in now ? now.bytes : 0 }));
    },
  };
}
