import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WriteQueue } from '../src/write-queue.ts';

test('what comes out is what went in, in order, however it is taken, and a front once offered keeps its bytes', () => {
  const append = fc.record({ bytes: fc.uint8Array({ maxLength: 40_000 }), shared: fc.boolean() });
  const take = fc.integer({ min: 1, max: 50_000 });
  fc.assert(
    fc.property(fc.array(fc.oneof(append, take), { maxLength: 60 }), (steps) => {
      const queue = new WriteQueue({ queuedBytes: 0, copiedBytes: 0 });
      const put: Uint8Array[] = [];
      const got: Buffer[] = [];
      let offered = Buffer.alloc(0);
      for (const step of steps) {
        if (typeof step !== 'number') {
          put.push(step.bytes.slice());
          if (step.shared) queue.appendShared(step.bytes, 0, step.bytes.length);
          else {
            queue.appendCopy(step.bytes, 0, step.bytes.length);
            step.bytes.fill(0);
          }
          continue;
        }
        const front = queue.front();
        if (front === undefined) continue;
        const bytes = Buffer.from(front.bytes.subarray(front.start, front.end));
        expect(bytes.subarray(0, offered.length).equals(offered)).toBe(true);
        const count = Math.min(step, bytes.length);
        got.push(bytes.subarray(0, count));
        offered = bytes.subarray(count);
        queue.consume(count);
      }
      for (let front = queue.front(); front !== undefined; front = queue.front()) {
        got.push(Buffer.from(front.bytes.subarray(front.start, front.end)));
        queue.consume(front.end - front.start);
      }
      expect(Buffer.concat(got).equals(Buffer.concat(put))).toBe(true);
      expect([queue.bytes, queue.isEmpty]).toEqual([0, true]);
    }),
    { seed: 20_26, numRuns: 150 },
  );
});

test('many small copies share a block', () => {
  const queue = new WriteQueue({ queuedBytes: 0, copiedBytes: 0 });
  for (let i = 0; i < 1000; i += 1) queue.appendCopy(Buffer.from('0123456789'), 0, 10);
  const front = queue.front()!;
  expect(front.end - front.start).toBe(10_000);
});

test('a range of a buffer is appended, not the whole', () => {
  const queue = new WriteQueue({ queuedBytes: 0, copiedBytes: 0 });
  queue.appendCopy(Buffer.from('-copied-'), 1, 7);
  queue.appendShared(Buffer.from('-shared-'), 1, 7);
  const first = queue.front()!;
  expect(Buffer.from(first.bytes.subarray(first.start, first.end)).toString()).toBe('copied');
  queue.consume(6);
  const second = queue.front()!;
  expect(Buffer.from(second.bytes.subarray(second.start, second.end)).toString()).toBe('shared');
});

test('taking more than the front holds is a mistake that changes nothing', () => {
  const queue = new WriteQueue({ queuedBytes: 0, copiedBytes: 0 });
  queue.appendCopy(Buffer.from('abc'), 0, 3);
  expect(() => queue.consume(4)).toThrow(RangeError);
  expect(queue.bytes).toBe(3);
});

test('a queue that is never empty does not grow', () => {
  const queue = new WriteQueue({ queuedBytes: 0, copiedBytes: 0 });
  const bytes = Buffer.alloc(20_000);
  queue.appendShared(bytes, 0, bytes.length);
  for (let i = 0; i < 10_000; i += 1) {
    queue.appendShared(bytes, 0, bytes.length);
    queue.consume(bytes.length);
  }
  expect((queue as unknown as { entries: unknown[] }).entries.length).toBeLessThan(130);
});
