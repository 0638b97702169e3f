/**
 * `testTransport`: the contract of a transport, over pairs of any implementation, without a reactor.
 *
 * Rule: a call that answers a want is called again only after that want; everything else is the transport's to promise.
 */
import assert from 'node:assert/strict';
import { Status } from '../../transport.ts';
import { type TestFunction, using } from './suite.ts';
import { testSendFile } from './test-send-file.ts';
import {
  assertFailure,
  digest,
  drainQuietly,
  fill,
  pattern,
  receive,
  receiveToEnd,
  retried,
  sendAll,
  shakeHands,
} from './transport-driving.ts';
import { type PairOptions, swapped, type TransportPair } from './transport-pair.ts';

/** What `testTransport` needs of whoever tests a transport. */
export interface TransportSuite {
  readonly test: TestFunction;
  /** A new, connected pair; neither end has shaken hands. {@link overLoopback} makes them of factories. */
  readonly open: (options: PairOptions) => TransportPair | Promise<TransportPair>;
}

/** Fills any send buffer, and takes several records of any seal. */
const LARGE_BYTES = 3 * 1024 * 1024;

type Over = (name: string, body: (pair: TransportPair) => Promise<void>, dribble?: boolean) => void;

/** Registers the tests of a transport; each runs with either end under test. */
export function testTransport({ test, open }: TransportSuite): void {
  const over: Over = (name, body, dribble = false) => {
    test(name, () => using(() => open({ dribble }), body));
    test(`${name}, from the other end`, () => using(async () => swapped(await open({ dribble })), body));
  };
  testHandshake(over);
  testBytes(over);
  testBlocking(over);
  testSendFile(over);
  testEnding(over);
  testBreaking(over);
  testClosing(over);
}

function testHandshake(over: Over): void {
  over('says what it is before the handshake', async ({ end: { transport } }) => {
    assert.ok(transport.name.length > 0, 'a transport has a name');
    assert.equal(typeof transport.secure, 'boolean');
    assert.equal(transport.applicationProtocol, undefined, 'nothing is negotiated yet');
    assert.equal(transport.drained, false, 'nothing was read yet');
  });

  over('shakes hands by answering wants, and ends with 0', async (pair) => {
    await shakeHands(pair);
  });

  over('P1 finds bytes that came with the last of the handshake', async (pair) => {
    await shakeHands(pair);
    await sendAll(pair.peer, Buffer.from('first'));
    assert.equal(String(await receive(pair.end, 5)), 'first');
  });
}

function testBytes(over: Over): void {
  over('brings what was written, in both directions', async (pair) => {
    await shakeHands(pair);
    await sendAll(pair.end, Buffer.from('ping'));
    assert.equal(String(await receive(pair.peer, 4)), 'ping');
    await sendAll(pair.peer, Buffer.from('pong'));
    assert.equal(String(await receive(pair.end, 4)), 'pong');
  });

  over('writes the bytes between offset and offset + length, and no others', async (pair) => {
    await shakeHands(pair);
    const progress = pair.end.transport.write(Buffer.from('xx-these-yy'), 3, 5);
    assert.equal(progress, 5, 'there is room for five bytes');
    await sendAll(pair.end, Buffer.from('.'));
    assert.equal(String(await receive(pair.peer, 6)), 'these.');
  });

  over('keeps nothing of the memory that it was given', async (pair) => {
    await shakeHands(pair);
    const bytes = Buffer.from('mine');
    assert.equal(pair.end.transport.write(bytes, 0, 4), 4);
    bytes.fill('!');
    assert.equal(String(await receive(pair.peer, 4)), 'mine');
  });

  over('fills a small buffer from its start and brings the rest later', async (pair) => {
    await shakeHands(pair);
    await sendAll(pair.peer, pattern(1000));
    const small = Buffer.alloc(7);
    const got: Buffer[] = [];
    for (let count = 0; count < 1000; ) {
      const progress = await retried(pair.end, () => pair.end.transport.read(small));
      assert.ok(
        progress > 0 && progress <= small.length,
        `read answered ${progress} for ${small.length} bytes`,
      );
      got.push(Buffer.from(small.subarray(0, progress)));
      count += progress;
    }
    assert.ok(Buffer.concat(got).equals(pattern(1000)), 'the bytes are not those that were sent');
  });

  over('tells that it ran dry only when it did', async (pair) => {
    await shakeHands(pair);
    await sendAll(pair.peer, pattern(20_000));
    const buffer = Buffer.alloc(1024);
    for (let count = 0; count < 20_000; ) {
      count += await retried(pair.end, () => pair.end.transport.read(buffer));
      if (count === 20_000 || !pair.end.transport.drained) continue;
      const next = pair.end.transport.read(buffer);
      assert.equal(next, Status.wantsRead, `it said that it ran dry, and the next read answered ${next}`);
    }
  });

  over('carries megabytes in both directions at once, unchanged', async (pair) => {
    await shakeHands(pair);
    const there = pattern(LARGE_BYTES);
    const back = pattern(LARGE_BYTES, 7_777);
    const [heardThere, heardBack] = await Promise.all([
      receive(pair.peer, LARGE_BYTES),
      receive(pair.end, LARGE_BYTES),
      sendAll(pair.end, there),
      sendAll(pair.peer, back),
    ]);
    assert.equal(digest(heardThere), digest(there), 'there');
    assert.equal(digest(heardBack), digest(back), 'back');
  });

  over(
    'lives on a wire that carries a byte at a time',
    async (pair) => {
      await shakeHands(pair);
      const [heard] = await Promise.all([receive(pair.peer, 4), sendAll(pair.end, Buffer.from('slow'))]);
      assert.equal(String(heard), 'slow');
      assert.equal(await retried(pair.end, () => pair.end.transport.shutdownWrite()), 0);
      assert.equal((await receiveToEnd(pair.peer)).length, 0);
    },
    true,
  );
}

function testBlocking(over: Over): void {
  over('wants to read when nothing is there, and goes on when it is', async (pair) => {
    await shakeHands(pair);
    await drainQuietly(pair.end);
    assert.equal(pair.end.transport.read(Buffer.alloc(100)), Status.wantsRead);
    await sendAll(pair.peer, Buffer.from('late'));
    assert.equal(String(await receive(pair.end, 4)), 'late');
  });

  over('wants to write when there is no room, and goes on when there is', async (pair) => {
    await shakeHands(pair);
    const { sent, refused } = await fill(pair.end);
    const [heard] = await Promise.all([
      receive(pair.peer, sent + refused.length),
      sendAll(pair.end, refused, { whole: true }),
    ]);
    assert.equal(digest(heard), digest(pattern(sent + refused.length)));
  });

  over('P17 takes a retry of the same bytes from other memory', async (pair) => {
    await shakeHands(pair);
    const { sent, refused } = await fill(pair.end);
    const moved = Buffer.concat([Buffer.from('moved'), refused]);
    const [heard] = await Promise.all([
      receive(pair.peer, sent + refused.length),
      sendAll(pair.end, moved, { start: 'moved'.length, whole: true }),
    ]);
    assert.ok(
      heard.equals(Buffer.concat([pattern(sent), refused])),
      'the bytes are not those that were offered',
    );
  });

  over('P17 takes a retry of the same bytes with more behind them', async (pair) => {
    await shakeHands(pair);
    const { sent, refused } = await fill(pair.end);
    const more = Buffer.concat([refused, Buffer.from('and more')]);
    const [heard] = await Promise.all([
      receive(pair.peer, sent + more.length),
      sendAll(pair.end, more, { whole: true }),
    ]);
    assert.ok(
      heard.equals(Buffer.concat([pattern(sent), more])),
      'the bytes are not those that were offered',
    );
  });

  over('P16 goes on reading while a write is blocked', async (pair) => {
    await shakeHands(pair);
    await fill(pair.end);
    await sendAll(pair.peer, Buffer.from('meanwhile'));
    assert.equal(String(await receive(pair.end, 9)), 'meanwhile');
  });
}

function testEnding(over: Over): void {
  over('P28 ends one direction and goes on in the other', async (pair) => {
    await shakeHands(pair);
    await sendAll(pair.end, Buffer.from('bye'));
    assert.equal(await retried(pair.end, () => pair.end.transport.shutdownWrite()), 0);
    assert.equal(String(await receiveToEnd(pair.peer)), 'bye');
    await sendAll(pair.peer, Buffer.from('not yet'));
    assert.equal(String(await receive(pair.end, 7)), 'not yet');
    assert.equal(await retried(pair.peer, () => pair.peer.transport.shutdownWrite()), 0);
    assert.equal((await receiveToEnd(pair.end)).length, 0);
  });

  over('P2 P24 brings everything before the end, however much that is', async (pair) => {
    await shakeHands(pair);
    const bytes = pattern(LARGE_BYTES);
    const sending = async () => {
      await sendAll(pair.peer, bytes);
      assert.equal(await retried(pair.peer, () => pair.peer.transport.shutdownWrite()), 0);
    };
    const [heard] = await Promise.all([receiveToEnd(pair.end), sending()]);
    assert.equal(digest(heard), digest(bytes));
  });
}

function testBreaking(over: Over): void {
  over('fails with reason reset when the peer breaks the connection', async (pair) => {
    await shakeHands(pair);
    await drainQuietly(pair.end);
    if (pair.peer.reset === undefined) return;
    pair.peer.reset();
    const progress = await retried(pair.end, () => pair.end.transport.read(Buffer.alloc(100)));
    assert.equal(progress, Status.failed);
    assertFailure(pair.end, 'reset');
  });

  over('P32 fails, and nothing worse, when it writes to a peer that is gone', async (pair) => {
    await shakeHands(pair);
    if (pair.peer.reset === undefined) return;
    pair.peer.reset();
    const progress = await retried(pair.end, () => pair.end.transport.write(Buffer.from('?'), 0, 1));
    assert.ok(progress === Status.failed || progress === 1, `write answered ${progress}`);
    if (progress === Status.failed) assertFailure(pair.end, 'reset');
  });

  over('P26 an end that was not announced is told from one that was', async (pair) => {
    await shakeHands(pair);
    if (pair.peer.cut === undefined) return;
    await sendAll(pair.peer, Buffer.from('cut'));
    pair.peer.cut();
    assert.equal(String(await receive(pair.end, 3)), 'cut');
    const progress = await retried(pair.end, () => pair.end.transport.read(Buffer.alloc(100)));
    if (!pair.end.transport.secure) return assert.equal(progress, Status.ended);
    assert.equal(progress, Status.failed);
    assertFailure(pair.end, 'truncated');
  });
}

function testClosing(over: Over): void {
  over(
    'P29 closes before, in the middle of and after the handshake, and releases its descriptor',
    async (pair) => {
      pair.end.transport.handshake();
      pair.end.transport.close();
      assert.equal(pair.openDescriptors(), 1);
      pair.peer.transport.close();
      assert.equal(pair.openDescriptors(), 0);
    },
  );

  over('closes with a blocked write, and releases its descriptor', async (pair) => {
    await shakeHands(pair);
    await fill(pair.end);
    pair.end.transport.close();
    assert.equal(pair.openDescriptors(), 1);
  });
}
