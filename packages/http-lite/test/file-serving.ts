/** A folder of files and a reactor on real sockets to send them, both new for each test. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpHandler, http } from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { afterEach, beforeEach, expect } from 'vitest';
import { type Answer, parseAnswers } from './answers.ts';

export const MEBIBYTE = 1024 * 1024;

export const get = (target: string, method = 'GET', more = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

export interface FileServing {
  /** What was reported; a test takes out what it expects, and nothing else may be left. */
  readonly errors: unknown[];
  /** The path of a file in the folder. */
  at(name: string): string;
  /** The port that `handler` serves. */
  listen(handler: HttpHandler): Promise<number>;
  /** Asks, ends our side, and collects what comes. */
  exchange(handler: HttpHandler, wire: string): Promise<Buffer>;
  answersTo(handler: HttpHandler, wire: string, methods?: string[]): Promise<Answer[]>;
}

/** For the tests of the file that calls it. After each of them, no descriptor of a file in the folder is left open. */
export function servingFiles(): FileServing {
  let root = '';
  let reactor: Reactor;
  const errors: unknown[] = [];
  const at = (name: string) => join(root, name);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-http-files-'));
    writeFileSync(at('ten.txt'), '0123456789');
    writeFileSync(at('empty.html'), '');
    mkdirSync(at('folder'));
    errors.length = 0;
    reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
  });

  afterEach(async () => {
    await reactor.shutdown({ deadlineMs: 0 });
    while (isOpenUnder(root)) await new Promise((resolve) => setImmediate(resolve));
    rmSync(root, { recursive: true });
    expect(errors).toEqual([]);
  });

  const listen = async (handler: HttpHandler) => {
    const protocol = http(handler, { onError: (error) => errors.push(error) });
    const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
    return server.address()!.port;
  };
  const exchange = async (handler: HttpHandler, wire: string) => allOf(await listen(handler), wire);
  const answersTo = async (handler: HttpHandler, wire: string, methods: string[] = []) =>
    parseAnswers((await exchange(handler, wire)).toString('latin1'), methods);
  return { errors, at, listen, exchange, answersTo };
}

async function allOf(port: number, wire: string): Promise<Buffer> {
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.end(wire);
  const pieces: Buffer[] = [];
  // A connection that is cut off ends with a reset, which Node tells as an end or as an error, whichever it sees first.
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(pieces);
}

/** Whether this process has a descriptor of a file there. */
function isOpenUnder(root: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root);
    } catch {
      return false;
    }
  });
}
