/** The part of `testDuplex` that is about ends: half-closes, `destroy`, and connections that break. */
import assert from 'node:assert/strict';
import { closing, digest, pattern, received, receivedSome, STUCK_BYTES, settled } from './duplex-pair.ts';
import { nextTurn } from './suite.ts';
import type { OverDuplex } from './test-duplex.ts';

const HALF_OPEN = { allowHalfOpen: true };

export function testDuplexEnding(over: OverDuplex): void {
  testHalfClose(over);
  testDestroy(over);
  testBreaking(over);
}

function testHalfClose(over: OverDuplex): void {
  over('ends its own side only, and goes on reading', async ({ stream, peer }) => {
    stream.end('request');
    assert.equal(String(await received(peer)), 'request');
    peer.write('answer, ');
    assert.equal(String(await receivedSome(stream, 8)), 'answer, ');
    assert.equal(stream.destroyed, false);
    peer.end('at length');
    assert.equal(String(await received(stream)), 'at length');
    assert.equal(await closing(stream), undefined);
  });

  over(
    'goes on writing when the peer has ended, where that is allowed',
    async ({ stream, peer }) => {
      peer.end('request');
      assert.equal(String(await received(stream)), 'request');
      for (let turn = 0; turn < 10; turn += 1) await nextTurn();
      assert.equal(stream.writable, true);
      const answer = pattern(700_000);
      stream.end(answer);
      assert.equal(digest(await received(peer)), digest(answer));
      assert.equal(await closing(stream), undefined);
    },
    HALF_OPEN,
  );

  over('ends its side when the peer has, where nobody allowed anything else', async ({ stream, peer }) => {
    const answer = pattern(300_000);
    stream.write(answer);
    peer.end('bye');
    assert.equal(String(await received(stream)), 'bye');
    assert.equal(digest(await received(peer)), digest(answer));
    assert.equal(await closing(stream), undefined);
  });

  over('tells an end that nothing came before, though nobody reads', async ({ stream, peer }) => {
    peer.end();
    await settled(stream, 'end');
    assert.equal(await closing(stream), undefined);
  });

  over(
    'tells an end behind all that came before it, however late it is read',
    async ({ stream, peer }) => {
      const bytes = pattern(500_000);
      peer.end(bytes);
      stream.end();
      await settled(stream, 'finish');
      for (let turn = 0; turn < 50; turn += 1) await nextTurn();
      assert.equal(stream.readableEnded, false);
      assert.equal(stream.destroyed, false);
      assert.equal(digest(await received(stream)), digest(bytes));
      assert.equal(await closing(stream), undefined);
    },
    HALF_OPEN,
  );

  over("says 'finish' when everything has left, and not before", async ({ stream, peer }) => {
    const bytes = pattern(STUCK_BYTES);
    let isFinished = false;
    stream.end(bytes, () => {
      isFinished = true;
    });
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    assert.equal(isFinished, false);
    assert.equal(digest(await received(peer)), digest(bytes));
    await settled(stream, 'finish');
    assert.equal(isFinished, true);
  });

  over('refuses what is written after the end', async ({ stream, peer }) => {
    const gone = closing(stream);
    stream.end('all');
    const refused = new Promise<Error | null | undefined>((resolve) => void stream.write('more', resolve));
    assert.equal(((await refused) as { code?: string } | null)?.code, 'ERR_STREAM_WRITE_AFTER_END');
    assert.equal((await gone)?.code, 'ERR_STREAM_WRITE_AFTER_END');
    peer.destroy();
  });
}

function testDestroy(over: OverDuplex): void {
  over('closes without an error when it is destroyed, and the peer with it', async ({ stream, peer }) => {
    stream.destroy();
    stream.destroy();
    assert.equal(await closing(stream), undefined);
    assert.equal(stream.readableEnded, false);
    assert.equal((await received(peer)).length, 0);
  });

  over('tells the error that it is destroyed with, once', async ({ stream, peer }) => {
    const mine = new Error('enough');
    const gone = closing(peer.resume());
    stream.destroy(mine);
    assert.equal(await closing(stream), mine);
    peer.end();
    await gone;
  });

  over('loses nothing that a write was told of when it is destroyed then', async ({ stream, peer }) => {
    const bytes = pattern(180_000);
    stream.write(bytes, () => stream.destroy());
    assert.equal(digest(await received(peer)), digest(bytes));
    assert.equal(await closing(stream), undefined);
  });

  over('loses nothing that has finished when it is destroyed then', async ({ stream, peer }) => {
    const bytes = pattern(2_500_000);
    stream.end(bytes, () => stream.destroy());
    assert.equal(digest(await received(peer)), digest(bytes));
    assert.equal(await closing(stream), undefined);
  });

  over('gives no more when it is destroyed while it gives', async ({ stream, peer }) => {
    let count = 0;
    stream.on('data', () => {
      count += 1;
      stream.destroy();
    });
    peer.on('error', () => {});
    peer.write(pattern(5_000_000));
    assert.equal(await closing(stream), undefined);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    assert.equal(count, 1);
  });

  over('fails the writes that it is destroyed under', async ({ stream, peer }) => {
    const outcomes: string[] = [];
    for (let write = 0; write < 3; write += 1)
      stream.write(pattern(STUCK_BYTES / 2), (error) => outcomes.push(error ? 'failed' : 'taken'));
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    const mine = new Error('enough');
    const gone = closing(peer);
    stream.destroy(mine);
    assert.equal(await closing(stream), mine);
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    assert.equal(outcomes.length, 3);
    assert.equal(outcomes.at(-1), 'failed');
    stream.write('more', (error) => outcomes.push((error as { code?: string } | null)?.code ?? 'taken'));
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    assert.equal(outcomes.at(-1), 'ERR_STREAM_DESTROYED');
    peer.destroy();
    await gone;
  });

  over('has what an npm package asks of a socket', async ({ stream, peer }) => {
    const socket = stream as unknown as import('node:net').Socket;
    assert.equal(socket.setNoDelay(true), socket);
    assert.equal(socket.setKeepAlive(true, 30_000), socket);
    assert.equal(socket.setTimeout(60_000), socket);
    assert.equal(socket.timeout, 60_000);
    assert.equal(socket.setTimeout(0), socket);
    assert.equal(socket.unref().ref(), socket);
    assert.equal(socket.remoteAddress, '127.0.0.1');
    assert.equal(socket.remoteFamily, 'IPv4');
    assert.ok(Number(socket.remotePort) > 0);
    assert.deepEqual(socket.address(), {
      address: '127.0.0.1',
      family: 'IPv4',
      port: socket.localPort,
    });
    assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [false, false, 'open']);
    socket.write('12345');
    assert.equal(socket.bytesWritten, 5);
    peer.write('123');
    await receivedSome(stream, 3);
    assert.equal(socket.bytesRead, 3);
    socket.destroySoon();
    assert.equal(String(await received(peer)), '12345');
    assert.equal(await closing(stream), undefined);
    assert.equal(socket.readyState, 'closed');
  });
}

function testBreaking(over: OverDuplex): void {
  over('P25 tells a reset as an error, and not as an end', async ({ stream, peer, reset }) => {
    let ended = false;
    stream.on('end', () => {
      ended = true;
    });
    peer.write('half a mess');
    await receivedSome(stream, 11);
    reset();
    assert.equal((await closing(stream.resume()))?.code, 'ECONNRESET');
    assert.equal(ended, false);
  });

  over('tells each write once what a reset breaks', async ({ stream, reset }) => {
    const outcomes: string[] = [];
    const gone = closing(stream.resume());
    stream.write(pattern(STUCK_BYTES), (error) => outcomes.push(error ? 'failed' : 'taken'));
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    reset();
    assert.match((await gone)?.code ?? '', /^(ECONNRESET|EPIPE)$/);
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    // Node's own says 'taken' where the read is the first to notice.
    assert.equal(outcomes.length, 1);
  });
}
