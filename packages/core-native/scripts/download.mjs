// One file over HTTPS, given up soon when nothing moves.
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CONNECT_MS = 15_000;
const STALL_MS = 20_000;

/** Writes the body of `url` to `target`. Throws when there is no answer in 15 s or no byte for 20 s. */
export async function downloadFile(url, target, step) {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(new Error(`no answer within ${CONNECT_MS / 1000} s`)), CONNECT_MS);
  const restart = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error(`nothing received for ${STALL_MS / 1000} s`)), STALL_MS);
  };
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
    const totalBytes = Number(response.headers.get('content-length') ?? 0);
    let receivedBytes = 0;
    restart();
    const meter = new Transform({
      transform(chunk, _encoding, next) {
        restart();
        receivedBytes += chunk.length;
        step.update(
          totalBytes > 0 ? `${Math.floor((100 * receivedBytes) / totalBytes)} %` : `${receivedBytes} bytes`,
        );
        next(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(target), {
      signal: abort.signal,
    });
  } catch (error) {
    throw new Error(reasonOf(abort.signal.aborted ? abort.signal.reason : error));
  } finally {
    clearTimeout(timer);
  }
}

/** fetch() says "fetch failed" and keeps what happened in `cause`. */
function reasonOf(error) {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
