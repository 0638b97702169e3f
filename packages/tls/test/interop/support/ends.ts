/** Both ends of a connection between us and a program that passes on its input and prints what it hears. */
import { randomBytes } from 'node:crypto';
import type { Connection } from '@sluice/reactor';
import type { Tool } from '@sluice-internal/foreign-programs';
import { expect } from 'vitest';
import type { Party } from '../../support/party.ts';
import type { Printed } from '../../support/printed.ts';

export const BIG_BYTES = 16 * 1024 * 1024;
const LINE_BYTES = 64;

export interface Ends {
  readonly party: Party;
  readonly conn: Connection;
  readonly tool: Tool;
  readonly printed: Printed;
  /** How much of a download it can print in reasonable time. Default: everything. */
  readonly printableBytes?: number;
  /** What it prints of its own, in the middle of the data. */
  readonly notices?: RegExp;
}

/**
 * Lines of random digits, the last of which is `end`: nothing that a program would take for a command, wherever it cuts
 * them.
 */
export function lines(bytes: number, end: string): Buffer {
  const digits = randomBytes(bytes);
  for (let at = 0; at < bytes; at += 1) {
    digits[at] = at % LINE_BYTES === LINE_BYTES - 1 ? 0x0a : 0x30 + (digits[at]! % 10);
  }
  digits.write(`${end}\n`, bytes - end.length - 1, 'latin1');
  return digits;
}

/** 16 MiB to us, and then as many from us. */
export async function bothWays(ends: Ends): Promise<void> {
  const { party, conn, tool, printed, printableBytes } = ends;
  const [theirs, ours] = [lines(BIG_BYTES, 'upload'), lines(printableBytes ?? BIG_BYTES, 'download')];
  tool.child.stdin.write(theirs);
  expect((await party.heard(BIG_BYTES)).equals(theirs)).toBe(true);
  party.send(conn, ours);
  expectIn(ends, await printed.until(/download\n/), ours);
}

/** In the middle of data of either side we go over to new keys, and ask for the peer's. */
export async function updatingOurs(ends: Ends): Promise<void> {
  const { party, conn, tool, printed, printableBytes } = ends;
  const [theirs, ours] = [lines(BIG_BYTES, 'upload'), lines(printableBytes ?? BIG_BYTES, 'download')];
  tool.child.stdin.write(theirs);
  await party.heard(1);
  conn.tls?.updateKeys({ requestPeer: true });
  expect((await party.heard(BIG_BYTES)).equals(theirs)).toBe(true);
  party.send(conn, ours.subarray(0, ours.length / 2));
  conn.tls?.updateKeys({ requestPeer: true });
  party.send(conn, ours.subarray(ours.length / 2));
  expectIn(ends, await printed.until(/download\n/), ours);
  tool.child.stdin.write('answered\n');
  expect((await party.heard(BIG_BYTES + 9)).subarray(-9).toString()).toBe('answered\n');
  expect(conn.tls).toMatchObject({ keyUpdatesSent: 2, keyUpdatesReceived: 2 });
}

/**
 * Between the halves of data of either side the peer goes over to new keys, and asks for ours. `update` makes it do so, and
 * answers what was printed until then.
 */
export async function updatingTheirs(ends: Ends, update: () => Promise<string>): Promise<void> {
  const { party, conn, tool, printed, printableBytes } = ends;
  const [theirs, ours] = [lines(BIG_BYTES, 'upload'), lines(printableBytes ?? BIG_BYTES, 'download')];
  tool.child.stdin.write(theirs.subarray(0, BIG_BYTES / 2));
  await party.heard(BIG_BYTES / 2);
  party.send(conn, ours.subarray(0, ours.length / 2));
  const meanwhile = await update();
  tool.child.stdin.write(theirs.subarray(BIG_BYTES / 2));
  expect((await party.heard(BIG_BYTES)).equals(theirs)).toBe(true);
  party.send(conn, ours.subarray(ours.length / 2));
  expectIn(ends, meanwhile + (await printed.until(/download\n/)), ours);
  expect(conn.tls).toMatchObject({ keyUpdatesReceived: 1, keyUpdatesSent: 1 });
}

/** The program's input ends, then we do; nobody was hurt. */
export async function leaveInOrder({ party, conn, tool }: Ends): Promise<void> {
  tool.child.stdin.end();
  await party.ended.reach(1);
  conn.end();
  expect((await tool.ended).code).toBe(0);
  expect(await party.closed.reach(1)).toEqual([{ reason: 'clean', cause: undefined }]);
}

function expectIn({ notices }: Ends, text: string, bytes: Buffer): void {
  const data = notices === undefined ? text : text.replace(notices, '');
  expect(data.includes(bytes.toString('latin1'))).toBe(true);
}
