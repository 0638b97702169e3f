/**
 * Wire bytes in, event log out: one request after another is read with its body and answered, and what happened is told
 * in lines. The same bytes in other pieces must give the same log.
 */
import { type HttpOptions, http } from '@sluice/http-lite';
import { expect } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';

/** The log of `wire` arriving in pieces that end at `cuts`, then the peer's end. */
export async function replay(
  wire: string,
  cuts: readonly number[] = [],
  options: HttpOptions = {},
): Promise<string[]> {
  const log: string[] = [];
  const protocol = http(async (req, res) => {
    log.push(`${req.method} ${req.target} HTTP/${req.httpVersion}`);
    for (const [name, value] of req.headers) log.push(`  ${name}: ${value}`);
    try {
      if (req.hasBody) log.push(`  body ${JSON.stringify((await req.body.bytes()).toString('latin1'))}`);
    } catch (error) {
      log.push(`  body ${(error as { code: string }).code}`);
      throw error;
    }
    res.end();
  }, options);
  const connection = new FakeConnection(protocol);
  let from = 0;
  for (const cut of [...cuts, wire.length]) {
    if (cut > from) connection.receive(wire.slice(from, cut));
    from = cut;
  }
  await settled();
  connection.receiveEnd();
  await settled();
  for (const { status, headers } of parseAnswers(connection.take())) {
    log.push(headers['connection'] === 'close' ? `${status} close` : `${status}`);
  }
  log.push(...connection.calls.filter((call) => call !== 'pause' && call !== 'resume'));
  return log;
}

/** Checks the log of `wire` whole, byte by byte, and cut in two at every place. */
export async function expectLog(
  wire: string,
  expected: readonly string[],
  options: HttpOptions = {},
): Promise<void> {
  expect(await replay(wire, [], options)).toEqual(expected);
  const everywhere = Array.from(wire, (_, index) => index);
  expect(await replay(wire, everywhere, options), 'byte by byte').toEqual(expected);
  for (const cut of everywhere) expect(await replay(wire, [cut], options), `cut at ${cut}`).toEqual(expected);
}

/** After everything that is due has run: promises, and what they started. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
