/** The part of `testTransport` for transports that send files: none of it is asked of those that have no `sendFile`. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, Status } from '../../transport.ts';
import {
  assertFailure,
  digest,
  fill,
  pattern,
  receive,
  receiveToEnd,
  retried,
  sendAll,
  shakeHands,
} from './transport-driving.ts';
import type { TransportEnd, TransportPair } from './transport-pair.ts';

/** Fills any send buffer. */
const FILE_BYTES = 3 * 1024 * 1024;
const PIECE_BYTES = 100_000;

type Over = (name: string, body: (pair: TransportPair) => Promise<void>) => void;

export function testSendFile(over: Over): void {
  const withFile = (name: string, body: (pair: TransportPair, file: number) => Promise<void>) =>
    over(name, async (pair) => {
      await shakeHands(pair);
      if (pair.end.transport.sendFile === undefined) return;
      const folder = mkdtempSync(join(tmpdir(), 'sluice-conformance-'));
      writeFileSync(join(folder, 'file'), pattern(FILE_BYTES));
      const file = openSync(join(folder, 'file'), 'r');
      try {
        await body(pair, file);
      } finally {
        closeSync(file);
        rmSync(folder, { recursive: true });
      }
    });

  withFile('sends a range of a file in its place among writes', async (pair, file) => {
    await sendAll(pair.end, Buffer.from('<'));
    await sendRange(pair.end, file, 1000, 3000);
    await sendAll(pair.end, Buffer.from('>'));
    const heard = await receive(pair.peer, 2002);
    assert.equal(String(heard.subarray(0, 1)), '<');
    assert.ok(heard.subarray(1, 2001).equals(pattern(2000, 1000)), 'the bytes are not those of the file');
    assert.equal(String(heard.subarray(2001)), '>');
  });

  withFile('P47 sends megabytes of a file, unchanged, and then its end', async (pair, file) => {
    const sending = async () => {
      await sendRange(pair.end, file, 0, FILE_BYTES);
      assert.equal(await retried(pair.end, () => pair.end.transport.shutdownWrite()), 0);
    };
    const [heard] = await Promise.all([receiveToEnd(pair.peer), sending()]);
    assert.equal(digest(heard), digest(pattern(FILE_BYTES)));
  });

  withFile('answers 0 where the file ends, and goes on', async (pair, file) => {
    assert.equal(await retried(pair.end, () => send(pair.end, file, FILE_BYTES, 10)), 0);
    await sendRange(pair.end, file, FILE_BYTES - 5, FILE_BYTES);
    assert.ok((await receive(pair.peer, 5)).equals(pattern(5, FILE_BYTES - 5)));
  });

  withFile(
    'P41 wants to write when there is no room, and goes on from the same offset',
    async (pair, file) => {
      const { sent, refused } = await fill(pair.end);
      const sending = async () => {
        await sendAll(pair.end, refused, { whole: true });
        await sendRange(pair.end, file, 0, FILE_BYTES);
      };
      const [heard] = await Promise.all([receive(pair.peer, sent + refused.length + FILE_BYTES), sending()]);
      assert.equal(digest(heard.subarray(sent + refused.length)), digest(pattern(FILE_BYTES)));
    },
  );

  withFile('P16 goes on reading while a file is blocked', async (pair, file) => {
    for (let at = 0, progress = 0; progress !== Status.wantsWrite; at = (at + PIECE_BYTES) % FILE_BYTES) {
      progress = send(pair.end, file, at, PIECE_BYTES);
      assert.ok(progress > 0 || progress === Status.wantsWrite, `sendFile answered ${progress}`);
    }
    await sendAll(pair.peer, Buffer.from('meanwhile'));
    assert.equal(String(await receive(pair.end, 9)), 'meanwhile');
  });

  withFile('says that it is the file which cannot be sent, and goes on', async (pair) => {
    const folder = openSync(tmpdir(), 'r');
    const progress = await retried(pair.end, () => send(pair.end, folder, 0, 10));
    const { isFile } = progress === Status.failed ? pair.end.transport.failure() : {};
    closeSync(folder);
    assert.equal(progress, Status.failed, `sendFile answered ${progress} for a directory`);
    assert.equal(isFile, true, 'the failure has isFile');
    await sendAll(pair.end, Buffer.from('on'));
    assert.equal(String(await receive(pair.peer, 2)), 'on');
  });

  withFile(
    'P32 fails, and nothing worse, when it sends a file to a peer that is gone',
    async (pair, file) => {
      if (pair.peer.reset === undefined) return;
      pair.peer.reset();
      let progress: Progress = 1;
      while (progress > 0) progress = await retried(pair.end, () => send(pair.end, file, 0, 10));
      assert.equal(progress, Status.failed);
      const { isFile } = pair.end.transport.failure();
      assert.notEqual(isFile, true, 'the failure is of the connection');
      assertFailure(pair.end, 'reset');
    },
  );
}

function send({ transport }: TransportEnd, file: number, offset: number, length: number): Progress {
  return transport.sendFile?.(file, offset, length) ?? Status.failed;
}

async function sendRange(end: TransportEnd, file: number, from: number, to: number): Promise<void> {
  for (let at = from; at < to; ) {
    const length = Math.min(to - at, PIECE_BYTES);
    const progress = await retried(end, () => send(end, file, at, length));
    if (progress === Status.failed) throw end.transport.failure().error;
    assert.ok(progress > 0 && progress <= length, `sendFile answered ${progress} for ${length} bytes`);
    at += progress;
  }
}
