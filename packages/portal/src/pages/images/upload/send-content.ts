import type { ImageAnswer } from '@paravcl/shared/api/images';
import { addressOf } from '@paravcl/shared/client/address-of';
import { problemOf } from '@paravcl/shared/client/answer-of';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { inOwnWords } from '../../../api/call';
import { ownWords } from '../../../language/spoken';
import type { Noun } from '../nouns';

/**
 * Sends the rest of a file from `offset` on, and tells how much of it has left. Throws ApiProblem: the master's sentence, or
 * status 0 when the connection broke or was ended by the signal; what came is kept there. XMLHttpRequest because fetch tells
 * nothing of what it has sent.
 */
export function sendContent(noun: Noun, imageId: string, file: File, offset: number, signal: AbortSignal, onSent: (bytes: number) => void): Promise<ImageAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    const broken = (): void => {
      signal.removeEventListener('abort', stop);
      const t = ownWords();
      reject(new ApiProblem({ status: 0, detail: t('images:upload.broke') }));
    };
    request.open('PUT', addressOf(`/${noun}/:imageId/content`, { params: { imageId }, query: { offset } }));
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded }) => onSent(offset + loaded);
    request.onerror = broken;
    request.onabort = broken;
    request.onload = () => {
      signal.removeEventListener('abort', stop);
      const answer = request.response as unknown;
      if (request.status >= 200 && request.status < 300) resolve(answer as ImageAnswer);
      else reject(refusal(request.status, answer));
    };
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    request.send(file.slice(offset));
  });
}

function refusal(status: number, body: unknown): ApiProblem {
  const problem = problemOf(status, body);
  return problem instanceof ApiProblem ? problem : inOwnWords(problem);
}
