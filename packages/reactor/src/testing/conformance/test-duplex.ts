/**
 * `testDuplex`: what a program may expect of a stream over a connection, and what Node's own `net.Socket` does.
 *
 * Rule: each test holds for Node's sockets too; what only streams of Sluice promise is tested where they are.
 */
import assert from 'node:assert/strict';
import {
  type DuplexPair,
  type DuplexPairOptions,
  digest,
  pattern,
  received,
  receivedSome,
  STUCK_BYTES,
  writeRest,
  writeUntilStuck,
} from './duplex-pair.ts';
import { nextTurn, type TestFunction, using } from './suite.ts';
import { testDuplexEnding } from './test-duplex-ending.ts';
import { testDuplexTools } from './test-duplex-tools.ts';

/** What `testDuplex` needs of whoever tests a stream. */
export interface DuplexSuite {
  readonly test: TestFunction;
  /** A connected pair, whose peer has `allowHalfOpen`. */
  readonly open: (options: DuplexPairOptions) => Promise<DuplexPair>;
}

/** Registers one test over a pair; of a stream without `allowHalfOpen` where nothing is said. */
export type OverDuplex = (
  name: string,
  body: (pair: DuplexPair) => Promise<void>,
  options?: DuplexPairOptions,
) => void;

/** Registers the tests of a stream over a connection. */
export function testDuplex({ test, open }: DuplexSuite): void {
  const over: OverDuplex = (name, body, options = { allowHalfOpen: false }) => {
    test(name, () => using(() => open(options), body));
  };
  testBytes(over);
  testBackpressure(over);
  testDuplexEnding(over);
  testDuplexTools(over);
}

function testBytes(over: OverDuplex): void {
  over('brings what was written, in both directions', async ({ stream, peer }) => {
    stream.write('ping');
    assert.equal(String(await receivedSome(peer, 4)), 'ping');
    peer.write('pong');
    assert.equal(String(await receivedSome(stream, 4)), 'pong');
  });

  over('brings megabytes in pieces of any size, both ways at once, in order', async ({ stream, peer }) => {
    const there = pattern(3 * 1024 * 1024 + 17);
    const back = pattern(2 * 1024 * 1024 + 5, 3);
    writeInPieces(stream, there);
    writeInPieces(peer, back);
    const [heard, answered] = await Promise.all([received(peer), received(stream)]);
    assert.equal(digest(heard), digest(there));
    assert.equal(digest(answered), digest(back));
  });

  over('takes one chunk that is larger than all marks', async ({ stream, peer }) => {
    const bytes = pattern(9 * 1024 * 1024 + 1);
    stream.end(bytes);
    assert.equal(digest(await received(peer)), digest(bytes));
  });

  over('tells each write once that it was taken, in order', async ({ stream, peer }) => {
    const told: number[] = [];
    for (const size of [1, 0, 200_000, 3, 70_000, 0])
      stream.write(pattern(size), (error) => told.push(error ? -1 : size));
    stream.end();
    assert.equal((await received(peer)).length, 270_004);
    assert.deepEqual(told, [1, 0, 200_000, 3, 70_000, 0]);
  });

  over('keeps the order of what was corked, and of strings in any encoding', async ({ stream, peer }) => {
    stream.cork();
    stream.write('a');
    stream.write('ü', 'latin1');
    stream.write('6364', 'hex');
    stream.uncork();
    stream.end('ü');
    assert.deepEqual(await received(peer), Buffer.from([0x61, 0xfc, 0x63, 0x64, 0xc3, 0xbc]));
  });

  over('decodes characters that come in pieces', async ({ stream, peer }) => {
    stream.setEncoding('utf8');
    const euro = Buffer.from('€');
    let text = '';
    stream.on('data', (piece: string) => {
      text += piece;
    });
    peer.write(euro.subarray(0, 1));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    peer.end(euro.subarray(1));
    await new Promise((resolve) => stream.once('end', resolve));
    assert.equal(text, '€');
  });

  over('gives every chunk memory of its own', async ({ stream, peer }) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (const letter of ['a', 'b', 'c']) {
      peer.write(letter.repeat(5000));
      while (Buffer.concat(chunks).length < 5000 * (letter.charCodeAt(0) - 0x60)) await nextTurn();
    }
    assert.equal(String(Buffer.concat(chunks)), 'a'.repeat(5000) + 'b'.repeat(5000) + 'c'.repeat(5000));
  });
}

function testBackpressure(over: OverDuplex): void {
  over('stops a writer whose peer does not read, and goes on when that does', async ({ stream, peer }) => {
    const bytes = pattern(STUCK_BYTES);
    const stuck = await writeUntilStuck(stream, bytes);
    assert.ok(stuck < bytes.length, 'a writer that nobody reads is held back');
    assert.ok(stream.writableLength < 1024 * 1024, `${stream.writableLength} bytes are in memory`);
    assert.equal(stream.writableNeedDrain, true);
    const [heard] = await Promise.all([received(peer), writeRest(stream, bytes, stuck)]);
    assert.equal(digest(heard), digest(bytes));
  });

  over('reads no more than its mark where nobody takes it', async ({ stream, peer }) => {
    const bytes = pattern(STUCK_BYTES);
    const stuck = await writeUntilStuck(peer, bytes);
    assert.ok(stuck < bytes.length, 'a peer whose bytes nobody takes is held back');
    assert.ok(stream.readableLength < 1024 * 1024, `${stream.readableLength} bytes are in memory`);
    const [heard] = await Promise.all([received(stream), writeRest(peer, bytes, stuck)]);
    assert.equal(digest(heard), digest(bytes));
  });

  over('loses nothing when it is paused after every chunk', async ({ stream, peer }) => {
    const bytes = pattern(1024 * 1024 + 3);
    peer.end(bytes);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      stream.pause();
      setImmediate(() => stream.resume());
    });
    await new Promise((resolve) => stream.once('end', resolve));
    assert.equal(digest(Buffer.concat(chunks)), digest(bytes));
  });

  over('gives bytes to whoever reads when he likes', async ({ stream, peer }) => {
    const bytes = pattern(300_001);
    peer.end(bytes);
    const chunks: Buffer[] = [];
    stream.on('readable', () => {
      for (let piece = stream.read(1000) as Buffer | null; piece !== null; piece = stream.read(1000))
        chunks.push(piece);
      const rest = stream.read() as Buffer | null;
      if (rest !== null) chunks.push(rest);
    });
    await new Promise((resolve) => stream.once('end', resolve));
    assert.equal(digest(Buffer.concat(chunks)), digest(bytes));
  });
}

/** Without a look at what `write` answers: whoever does so pays with memory, not with bytes. */
function writeInPieces(stream: DuplexPair['stream'], bytes: Buffer): void {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 5 + 3) % 90_001)
    stream.write(bytes.subarray(at, at + size));
  stream.end();
}
