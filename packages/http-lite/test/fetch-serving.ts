/** A fetch handler on a fake connection, asked and answered. */
import { type FetchHandler, type HttpLimits, http } from '@sluice/http-lite';
import { expect } from 'vitest';
import { type Answer, parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

export function serve(handler: FetchHandler, limits: Partial<HttpLimits> = {}) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const connection = new FakeConnection(http.fetch(handler, { onError, limits }));
  return { connection, errors };
}

/** What one request is answered with, and what the log was told. */
export async function ask(handler: FetchHandler, wire = GET) {
  const { connection, errors } = serve(handler);
  connection.receive(wire);
  await settled();
  const sent = connection.take();
  return { connection, errors, sent };
}

export async function answerOf(handler: FetchHandler, wire = GET): Promise<Answer> {
  const { sent, errors } = await ask(handler, wire);
  expect(errors).toEqual([]);
  return parseAnswers(sent, [wire.slice(0, wire.indexOf(' '))])[0]!;
}

/** What `tell` makes of the request that `wire` is. */
export async function seenOf<T>(wire: string, tell: (request: Request) => T): Promise<T | undefined> {
  let seen: T | undefined;
  await answerOf((request) => {
    seen = tell(request);
    return new Response();
  }, wire);
  return seen;
}

/** A stream of text pieces, each after a turn of the event loop. */
export function slowly(...pieces: readonly string[]): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    async pull(controller) {
      await settled();
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(Buffer.from(piece));
    },
  });
}

/** A stream of text pieces that are all there. */
export function atOnce(...pieces: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(Buffer.from(piece));
      controller.close();
    },
  });
}
