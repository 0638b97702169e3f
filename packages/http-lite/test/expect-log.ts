/** Checks the log of wire bytes whole, byte by byte, and cut in two at every place: of the parser and of the server. */
import type { HttpOptions } from '@sluice/http-lite';
import { expect } from 'vitest';
import { DEFAULT_HTTP_LIMITS } from '../src/limits.ts';
import { HeadArena } from '../src/parser/scratch.ts';
import { ParseLog, parseLog } from './parse-log.ts';
import { asAnswered, ReplayServer } from './replay.ts';

export async function expectLog(
  wire: string | Buffer,
  expected: readonly string[],
  options: HttpOptions = {},
): Promise<void> {
  const bytes = typeof wire === 'string' ? Buffer.from(wire, 'latin1') : wire;
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const arena = new HeadArena();
  const server = new ReplayServer(options);
  const answered = expected.flatMap(asAnswered);
  for (const cuts of [[], bytewise(bytes), ...everywhere(bytes).map((cut) => [cut])]) {
    const where = cuts.length > 1 ? 'byte by byte' : `cut at ${cuts.join()}`;
    expect(parseLog(bytes, cuts, new ParseLog(limits, arena)), where).toEqual(expected);
    expect(await server.replay(bytes, cuts), `answers, ${where}`).toEqual(answered);
  }
}

/** Checks what the server alone makes of it, for what no parser knows of: bodies that are too long for somebody. */
export async function expectAnswers(
  wire: string,
  expected: readonly string[],
  options: HttpOptions,
): Promise<void> {
  const bytes = Buffer.from(wire, 'latin1');
  const server = new ReplayServer(options);
  for (const cuts of [[], bytewise(bytes), ...everywhere(bytes).map((cut) => [cut])]) {
    expect(await server.replay(bytes, cuts), `cut at ${cuts.join()}`).toEqual(expected);
  }
}

function bytewise(bytes: Buffer): number[] {
  return Array.from(bytes, (_, index) => index).slice(1);
}

/** Inputs up to it are cut at every place; in longer ones, which repeat themselves, not every place of the middle. */
const EDGE_BYTES = 300;
const MIDDLE_STEP_BYTES = 997;

function everywhere(bytes: Buffer): number[] {
  const cuts: number[] = [];
  const isMiddle = (cut: number) => cut > EDGE_BYTES && cut < bytes.length - EDGE_BYTES;
  for (let cut = 1; cut < bytes.length; cut += isMiddle(cut) ? MIDDLE_STEP_BYTES : 1) cuts.push(cut);
  return cuts;
}
