import { Ready, Status } from '@sluice/core-native';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

const ADDRESSES = ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2', '2001:db8::3'];
let resolved: string[] = [];
vi.mock('node:dns/promises', () => ({
  lookup: async () => resolved.map((address) => ({ address })),
}));

/** One thing that happens to the attempt `which` of those under way, or to all. */
type Step =
  | { readonly kind: 'connected' | 'refused' | 'spurious'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'all at once' | 'abort' | 'shutdown' };

const which = fc.nat(4);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('refused' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('connected' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('spurious' as const), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(600) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('all at once', 'abort', 'shutdown') }) },
);

const schedule = fc.record({
  addresses: fc.shuffledSubarray(ADDRESSES, { minLength: 1 }),
  failAtOnce: fc.array(fc.constantFrom('ENETUNREACH' as const, 'EMFILE' as const), { maxLength: 3 }),
  handshake: fc.constantFrom(0, Status.wantsRead, Status.failed),
  steps: fc.array(step, { maxLength: 12 }),
});

async function microtasks(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test('whatever happens in whatever order, a connect settles once and leaves nothing open but its winner', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async ({ addresses, failAtOnce, handshake, steps }) => {
      resolved = addresses;
      const harness = new Harness({ limits: { firstByteTimeoutMs: 0, idleTimeoutMs: 0 } });
      const { sockets, poller, clock } = harness;
      sockets.connects.push(...failAtOnce);
      const transports = new Map<number, FakeTransport>();
      const connect = (fd: number): FakeTransport => {
        const transport = new FakeTransport();
        transport.handshakes.push(handshake);
        transports.set(fd, transport);
        return transport;
      };
      const controller = new AbortController();
      let settled = 0;
      const outcome = harness.reactor
        .connect(
          {
            host: 'many.example',
            port: 1,
            timeoutMs: 2_000,
            signal: controller.signal,
            transport: { name: 'fake', connect },
          },
          new Recorder(),
        )
        .finally(() => {
          settled += 1;
        })
        .then(
          (conn) => ({ conn }),
          (error: unknown) => ({ error }),
        );
      await microtasks();
      for (const { kind, ...details } of steps) {
        const underWay = [...poller.registered.keys()].filter((fd) => !transports.has(fd));
        const target = 'which' in details ? underWay[details.which % underWay.length] : undefined;
        if (kind === 'pass' && 'ms' in details) clock.advance(details.ms);
        if (kind === 'abort') controller.abort(new Error('aborted'));
        if (kind === 'shutdown') void harness.reactor.shutdown();
        if (kind === 'all at once') poller.fire(...underWay.map((fd) => [fd, Ready.writable] as const));
        if (target === undefined) continue;
        if (kind === 'refused') sockets.connectResults.push(sockets.fail('ECONNREFUSED', 'connect'));
        if (kind === 'spurious') sockets.connectResults.push(Status.wantsWrite);
        poller.fire([target, Ready.writable]);
        await microtasks();
      }
      // Past every deadline, that of the handshake included.
      clock.advance(30_000);
      const result = await outcome;
      expect(settled).toBe(1);
      expect(transports.size).toBeLessThanOrEqual(1);
      const begun = sockets.connectedTo.length - (failAtOnce.length - sockets.connects.length);
      expect(sockets.closed.length).toBe(begun - transports.size);
      expect(new Set(sockets.closed).size).toBe(sockets.closed.length);
      for (const [fd, transport] of transports) {
        expect(sockets.closed).not.toContain(fd);
        expect(transport.closed).toBe('error' in result || poller.registered.size === 0);
      }
      if ('error' in result) expect(poller.registered.size).toBe(0);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 400 },
  );
});
