/** What a frame costs: how often its bytes are copied and looked at. */
import { describe, expect, test } from 'vitest';
import {
  type Connection,
  FrameReader,
  type Framing,
  lengthPrefixed,
  lines,
  type Protocol,
} from '../../src/index.ts';
import { Harness } from '../../src/testing/index.ts';

const LINES = lines({ maxBytes: 1_000 });

/** A connection that is read from and does nothing. */
const quiet = { readHalf: 'draining', lifecycle: 'open' } as Connection;

describe('a frame', () => {
  test('that is whole in a chunk is a view of it; one that is cut is a copy of its own', async () => {
    const views: Buffer[] = [];
    const chunks: Buffer[] = [];
    const watched: Protocol<FrameReader<Buffer>> = {
      onOpen: () => new FrameReader(LINES),
      onData(opened, chunk) {
        chunks.push(chunk);
        opened.state.read(opened, chunk, (_conn, frame) => void views.push(frame));
      },
    };
    const harness = new Harness({ poisonReads: false });
    await harness.listen(watched);
    harness.accept(({ reads }) => reads.push('first\ncu', 't\nlast\n'));
    harness.poller.settle();
    expect(views.map((view) => view.buffer === chunks[0]?.buffer)).toEqual([true, false, true]);
  });

  test('is copied at most twice and looked at as often, however it comes', () => {
    let looks = 0;
    let lookedAt = 0;
    const counting: Framing = {
      find(bytes, start, looked) {
        looks += 1;
        lookedAt += bytes.length - start - looked;
        return LINES.find(bytes, start, looked);
      },
      frame: LINES.frame,
    };
    const reader = new FrameReader(counting);
    let told = 0;
    const bytes = Buffer.from(`${'x'.repeat(900)}\n`);
    for (const byte of bytes)
      reader.read(quiet, Buffer.of(byte), () => {
        told += 1;
      });
    expect([told, looks, lookedAt]).toEqual([1, 901, 901]);
    // The rest of one in a chunk that has much behind it.
    looks = 0;
    lookedAt = 0;
    reader.read(quiet, bytes.subarray(0, 1), () => {});
    reader.read(quiet, Buffer.concat([bytes.subarray(1), Buffer.alloc(60_000, 0x0a)]), () => {
      told += 1;
    });
    expect(told).toBe(60_002);
    expect(looks - 60_000).toBeLessThan(10);
  });

  test('whose length is known is looked at twice, be it that it comes byte by byte', () => {
    const framing = lengthPrefixed({ header: 4, maxBytes: 10_000 });
    let looks = 0;
    const reader = new FrameReader({
      find(bytes, start, looked) {
        looks += 1;
        return framing.find(bytes, start, looked);
      },
      frame: framing.frame,
    });
    let told = 0;
    const wire = Buffer.concat([Buffer.from([0, 0, 0x27, 0x10]), Buffer.alloc(10_000)]);
    for (const byte of wire)
      reader.read(quiet, Buffer.of(byte), () => {
        told += 1;
      });
    expect([told, looks]).toEqual([1, 3]);
  });

  test('of which a megabyte comes byte by byte takes no time that grows with its square', () => {
    const reader = new FrameReader(lines({ maxBytes: 2 ** 20 }));
    let length = 0;
    const x = Buffer.from('x');
    for (let count = 0; count < 2 ** 20; count += 1) reader.read(quiet, x, () => {});
    expect(reader.unfinishedBytes).toBe(2 ** 20);
    reader.read(quiet, Buffer.from('\n'), (_conn, frame) => {
      length = frame.length;
    });
    expect([length, reader.unfinishedBytes]).toEqual([2 ** 20, 0]);
  });
});
