/** The part of `testDuplex` that is about Node's own tools for streams: `pipeline`, `finished`, iteration, signals. */
import assert from 'node:assert/strict';
import { addAbortSignal, Readable, Transform } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { closing, digest, pattern, received, receivedSome } from './duplex-pair.ts';
import type { OverDuplex } from './test-duplex.ts';

const HALF_OPEN = { allowHalfOpen: true };

export function testDuplexTools(over: OverDuplex): void {
  over('takes what a pipeline brings, and is finished when that is', async ({ stream, peer }) => {
    const bytes = pattern(1_500_000);
    const heard = received(peer);
    await pipeline(Readable.from(slices(bytes)), stream, { end: true });
    assert.equal(stream.writableFinished, true);
    assert.equal(digest(await heard), digest(bytes));
    peer.end();
    assert.equal(await closing(stream.resume()), undefined);
  });

  over(
    'P28 is both ends of a pipeline: an echo through a transform, with half-close',
    async ({ stream, peer }) => {
      const bytes = pattern(4_000_000);
      const swap = new Transform({
        transform: (chunk: Buffer, _encoding, callback) =>
          callback(
            null,
            chunk.map((byte) => byte ^ 0x55),
          ),
      });
      const echoed = pipeline(stream, swap, stream);
      peer.end(bytes);
      assert.equal(digest(await received(peer)), digest(bytes.map((byte) => byte ^ 0x55)));
      await echoed;
      assert.equal(await closing(stream), undefined);
    },
    HALF_OPEN,
  );

  over('is destroyed by a pipeline whose source fails', async ({ stream, peer }) => {
    const broken = new Error('the source broke');
    async function* source() {
      yield pattern(1000);
      throw broken;
    }
    const gone = closing(peer.resume());
    await assert.rejects(pipeline(source, stream), broken);
    await closing(stream);
    assert.equal(stream.destroyed, true);
    peer.end();
    await gone;
  });

  over('is finished when both sides have ended, and not before', async ({ stream, peer }) => {
    let isFinished = false;
    const done = finished(stream).then(() => {
      isFinished = true;
    });
    stream.end('all of ours');
    assert.equal(String(await received(peer)), 'all of ours');
    assert.equal(isFinished, false);
    peer.end('and of theirs');
    stream.resume();
    await done;
  });

  over('is not finished but failed when it was reset', async ({ stream, peer, reset }) => {
    const done = assert.rejects(finished(stream.resume()), { code: 'ECONNRESET' });
    peer.write('x');
    await receivedSome(stream, 1);
    reset();
    await done;
  });

  over('is not finished but cut short when it is destroyed', async ({ stream }) => {
    const done = assert.rejects(finished(stream), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    stream.destroy();
    await done;
  });

  over('gives all there is to whoever iterates', async ({ stream, peer }) => {
    const bytes = pattern(2_000_000);
    peer.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    assert.equal(digest(Buffer.concat(chunks)), digest(bytes));
  });

  over('throws into an iteration what breaks it', async ({ stream, peer, reset }) => {
    peer.write('first');
    let seen = '';
    const read = async () => {
      for await (const chunk of stream) {
        seen += String(chunk);
        assert.ok('first'.startsWith(seen));
        if (seen === 'first') reset();
      }
    };
    await assert.rejects(read, { code: 'ECONNRESET' });
  });

  over('is destroyed when an iteration is left', async ({ stream, peer }) => {
    peer.on('error', () => {});
    peer.write(pattern(500_000));
    for await (const chunk of stream) {
      assert.ok((chunk as Buffer).length > 0);
      break;
    }
    // Newer ones of Node's make it an AbortError.
    const error = await closing(stream);
    assert.equal(error?.name ?? 'AbortError', 'AbortError');
    assert.equal(stream.destroyed, true);
  });

  over('is destroyed by a signal', async ({ stream, peer }) => {
    peer.on('error', () => {});
    const controller = new AbortController();
    addAbortSignal(controller.signal, stream);
    controller.abort();
    assert.equal((await closing(stream))?.name, 'AbortError');
  });

  over('can be piped to and from with pipe()', async ({ stream, peer }) => {
    const bytes = pattern(800_000);
    Readable.from(slices(bytes)).pipe(stream);
    peer.pipe(peer);
    assert.equal(digest(await received(stream)), digest(bytes));
    assert.equal(await closing(stream), undefined);
  });
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 30_001) yield bytes.subarray(at, at + 30_001);
}
