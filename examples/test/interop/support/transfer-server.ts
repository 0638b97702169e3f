/**
 * A server of long bodies, in a process of its own so that its memory can be told: `GET /N` is answered with N bytes,
 * `GET /N?length` with their Content-Length as well; any other request with the length and the SHA-256 of its body.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { serve } from '../../../shared/serve.ts';
import { serverSettings } from '../../../shared/server-settings.ts';
import { numberedPieces } from './numbered-pieces.ts';

const IDLE_TURNS = 4;

const settings = await serverSettings();
const reactor = createReactor();
await serve(reactor, reactor.listen(settings, http(answer)));

function answer(req: HttpRequest, res: HttpResponse): Promise<void> {
  return req.method === 'GET' ? send(req, res) : receive(req, res);
}

async function send(req: HttpRequest, res: HttpResponse): Promise<void> {
  const totalBytes = Number(req.path.slice(1));
  if (req.query.has('length')) res.setHeader('content-length', totalBytes);
  for (const piece of numberedPieces(totalBytes)) {
    if (!res.write(piece)) await res.drained();
  }
  res.end();
}

/** Slower than the reactor could read: it hashes, and after each piece lets many turns go by. */
async function receive(req: HttpRequest, res: HttpResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of req.body) {
    hash.update(piece);
    bytes += piece.length;
    for (let turn = 0; turn < IDLE_TURNS; turn += 1) await nextTurn();
  }
  res.setHeader('x-method', req.method);
  res.end(JSON.stringify({ bytes, sha256: hash.digest('hex') }));
}
