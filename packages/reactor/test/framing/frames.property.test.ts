/** However a stream is cut, and whoever pauses in it: the same frames, in the same order, and the same end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  delimited,
  FrameReader,
  type Framing,
  lengthPrefixed,
  lines,
  type Protocol,
} from '../../src/index.ts';
import { Harness } from '../../src/testing/index.ts';
import { tellFrames, text } from './told-frames.ts';

const MAX_BYTES = 9;

/** Each with an alphabet that its delimiters and headers are frequent in. */
const FRAMINGS: readonly (readonly [string, Framing<string | Buffer>, readonly number[]])[] = [
  ['lines', lines({ maxBytes: MAX_BYTES }), [0x0a, 0x0d, 0x61]],
  ['lines as text', lines({ maxBytes: MAX_BYTES, encoding: 'latin1' }), [0x0a, 0x0d, 0xe9]],
  ['one byte', delimited('|', { maxBytes: MAX_BYTES }), [0x7c, 0x61]],
  ['a delimiter that overlaps itself', delimited('aab', { maxBytes: MAX_BYTES }), [0x61, 0x62]],
  ['CR LF', delimited('\r\n', { maxBytes: MAX_BYTES }), [0x0a, 0x0d, 0x61]],
  ['a byte of length', lengthPrefixed({ header: 1, maxBytes: MAX_BYTES }), [0, 1, 2, 3, 9, 10]],
  [
    'two bytes of length',
    lengthPrefixed({ header: 2, includesHeader: true, maxBytes: MAX_BYTES }),
    [0, 0, 0, 2, 5, 11],
  ],
  ['a varint', lengthPrefixed({ header: 'varint', maxBytes: MAX_BYTES }), [0, 1, 2, 9, 0x80, 0x81]],
];

/** What a reader of the whole stream, byte by byte and with no state but that, would tell. */
function expected(framing: Framing<string | Buffer>, stream: Buffer) {
  const frames: string[] = [];
  let start = 0;
  for (let end = 1; end <= stream.length; end += 1) {
    const seen = stream.subarray(0, end);
    if (start === end) continue;
    try {
      const next = framing.find(seen, start, 0);
      if (next <= start) continue;
      frames.push(text(framing.frame(seen, start, next)));
      start = next;
    } catch (thrown) {
      return { frames, code: (thrown as { code: string }).code };
    }
  }
  return { frames, code: undefined };
}

function cutInto(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < stream.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(stream.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Of whole frames a few, or whatever the alphabet gives; long enough for several chunks of what is kept. */
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

test.for(FRAMINGS)('%s: any cutting tells the same', async ([, framing, alphabet]) => {
  const stream = fc
    .array(fc.constantFrom(...alphabet), { maxLength: 200 })
    .map((bytes) => Buffer.from(bytes));
  await fc.assert(
    fc.asyncProperty(stream, sizes, async (bytes, cuts) => {
      const { frames, code } = expected(framing, bytes);
      const told = await tellFrames(framing, cutInto(bytes, cuts));
      expect(told.frames).toEqual(frames);
      // The script ends in a failure of the transport, unless the framing was broken before.
      expect(told.error?.code).toBe(code);
    }),
    { numRuns: 150 },
  );
});

test.for(FRAMINGS)(
  '%s: who pauses after any frame, for any time, is told the same',
  async ([, framing, alphabet]) => {
    const stream = fc
      .array(fc.constantFrom(...alphabet), { maxLength: 120 })
      .map((bytes) => Buffer.from(bytes));
    const pauses = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(stream, sizes, pauses, async (bytes, cuts, when) => {
        const frames: string[] = [];
        let isPaused = false;
        let ended = false;
        const protocol: Protocol<FrameReader<string | Buffer>> = {
          onOpen: () => new FrameReader(framing),
          onData: (conn, chunk) =>
            conn.state.read(conn, chunk, (_conn, frame) => {
              if (isPaused) frames.push('told while paused');
              frames.push(text(frame));
              isPaused = when[frames.length % when.length] === true;
              if (isPaused) conn.pause();
            }),
          onEnd() {
            if (isPaused) frames.push('ended while paused');
            ended = true;
          },
        };
        const harness = new Harness();
        await harness.listen(protocol);
        let conn: { resume(): void; readonly lifecycle: string } | undefined;
        protocol.onOpen = (opened) => {
          conn = opened;
          return new FrameReader(framing);
        };
        harness.accept(({ reads }) => reads.push(...cutInto(bytes, cuts), { status: 'ended' }));
        harness.poller.settle();
        for (let turn = 0; isPaused && turn < 500; turn += 1) {
          isPaused = false;
          conn?.resume();
          harness.poller.settle();
        }
        const { frames: all, code } = expected(framing, bytes);
        expect(frames).toEqual(all);
        expect(ended).toBe(code === undefined);
        expect(harness.errors).toEqual([]);
      }),
      { numRuns: 150 },
    );
  },
);
