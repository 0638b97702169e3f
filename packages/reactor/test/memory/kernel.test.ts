/** The kernel in memory is held to the suites of pollers and transports, and to what the kernel beneath us answers. */
import { loadNative, Status } from '@sluice/core-native';
import { describe, expect, test } from 'vitest';
import type { Sockets } from '../../src/loop.ts';
import { plain } from '../../src/plain-transport.ts';
import { Ready } from '../../src/poller.ts';
import { type PairOptions, type TransportPair, testPoller, testTransport } from '../../src/testing/index.ts';
import { MemoryKernel } from '../../src/testing/memory/memory-kernel.ts';
import { MemoryPoller } from '../../src/testing/memory/memory-poller.ts';
import type { Transport } from '../../src/transport.ts';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const CHUNK = Buffer.alloc(64 * 1024);

/** Two connected descriptors: the one that was accepted, and the one that connected. */
function connected(kernel: MemoryKernel): [number, number] {
  const listener = kernel.listen('127.0.0.1');
  const fd = kernel.connect('127.0.0.1', kernel.localAddress(listener).port);
  const accepted = kernel.accept(listener);
  kernel.close(listener);
  return [accepted, fd];
}

describe('a poller in memory', () => {
  testPoller({
    test,
    create: () => {
      const kernel = new MemoryKernel({});
      const poller = new MemoryPoller(kernel);
      return {
        poller,
        open: () => {
          const [fd, peer] = connected(kernel);
          const readAll = (from: number) => {
            do while (kernel.recv(from, CHUNK, 0, CHUNK.length) > 0);
            while (kernel.arrive());
          };
          return {
            fd,
            peerSends: () => void kernel.send(peer, Buffer.from('.'), 0, 1),
            peerEnds: () => void kernel.shutdownWrite(peer),
            drain: () => readAll(fd),
            fill: () => {
              while (kernel.send(fd, CHUNK, 0, CHUNK.length) !== Status.wantsWrite);
            },
            peerReads: () => readAll(peer),
            close: () => kernel.close(fd),
          };
        },
        turn: () => {
          kernel.arrive();
          poller.run();
        },
        dispose: () => {
          if (!poller.closed) poller.close();
        },
      };
    },
  });
});

describe('plain TCP in memory', () => {
  testTransport({
    test,
    open: ({ dribble }: PairOptions): TransportPair => {
      const kernel = new MemoryKernel(
        dribble ? { capacityBytes: 2, pieceBytes: 1 } : { capacityBytes: 150_000 },
      );
      const [fd, peerFd] = connected(kernel);
      const transport = plain(kernel);
      const endOf = (own: number, make: (own: number) => Transport) => {
        const socket = kernel.socketOf(own);
        return {
          transport: make(own),
          // An answer that would block is a turn of the kernel.
          isReady: (want: number) => {
            kernel.arrive();
            kernel.rearm(own);
            return (
              (kernel.takeEdges(own, ~0) & (want === Status.wantsWrite ? Ready.writable : Ready.readable)) !==
              0
            );
          },
          reset: () => {
            if (socket !== undefined) socket.cuts = true;
            kernel.close(own);
          },
        };
      };
      return {
        end: endOf(fd, (own) => transport.accept(own)),
        peer: endOf(peerFd, (own) => transport.connect(own, 'localhost')),
        openDescriptors: () => kernel.open.size,
        dispose: () => {},
      };
    },
  });
});

interface Both {
  readonly sockets: Pick<Sockets, 'recv' | 'send' | 'shutdownWrite' | 'close' | 'setOption' | 'lastFailure'>;
  readonly fd: number;
  readonly peer: number;
}

/** What is done with a connected pair, and what came of the calls that matter. */
type Scenario = (both: Both, say: (outcome: number) => void, arrived: () => Promise<void>) => Promise<void>;

const text = Buffer.from('hello');
const recv = ({ sockets, fd }: Both) => sockets.recv(fd, CHUNK, 0, CHUNK.length);
const send = ({ sockets, fd }: Both) => sockets.send(fd, text, 0, text.length);
const peerSend = ({ sockets, peer }: Both) => sockets.send(peer, text, 0, text.length);

const SCENARIOS: Record<string, Scenario> = {
  'a half-close': async (both, say, arrived) => {
    peerSend(both);
    both.sockets.shutdownWrite(both.peer);
    await arrived();
    for (let time = 0; time < 3; time += 1) say(recv(both));
    say(send(both));
    say(both.sockets.shutdownWrite(both.fd));
    say(send(both));
    both.sockets.close(both.peer);
  },
  'an orderly close, written to afterwards': async (both, say, arrived) => {
    both.sockets.close(both.peer);
    await arrived();
    say(recv(both));
    say(send(both));
    await arrived();
    say(send(both));
  },
  'a close with bytes unread': async (both, say, arrived) => {
    send(both);
    await arrived();
    both.sockets.close(both.peer);
    await arrived();
    say(recv(both));
    say(recv(both));
    say(send(both));
    say(both.sockets.shutdownWrite(both.fd));
  },
  'a cut behind bytes': async (both, say, arrived) => {
    peerSend(both);
    both.sockets.setOption(both.peer, 'lingerSeconds', 0);
    both.sockets.close(both.peer);
    await arrived();
    say(recv(both));
    say(recv(both));
    say(recv(both));
  },
  'a cut, met by a write': async (both, say, arrived) => {
    both.sockets.setOption(both.peer, 'lingerSeconds', 0);
    both.sockets.close(both.peer);
    await arrived();
    say(send(both));
    say(send(both));
    say(recv(both));
  },
  'bytes for somebody who has just closed': async (both, say, arrived) => {
    send(both);
    both.sockets.shutdownWrite(both.peer);
    both.sockets.close(both.peer);
    await arrived();
    say(recv(both));
    say(recv(both));
  },
};

/** Outcomes in words: counts, statuses, errnos. */
function words(sockets: Both['sockets'], outcome: number): string {
  if (outcome === Status.failed) return sockets.lastFailure().code;
  return Object.entries(Status).find(([, value]) => value === outcome)?.[0] ?? String(outcome);
}

async function played(scenario: Scenario, both: Both, arrived: () => Promise<void>): Promise<string[]> {
  const outcomes: string[] = [];
  await scenario(both, (outcome) => outcomes.push(words(both.sockets, outcome)), arrived);
  both.sockets.close(both.fd);
  return outcomes;
}

describe('sockets in memory answer as the kernel does', () => {
  test.each(Object.entries(SCENARIOS))('%s', async (_name, scenario) => {
    const native = loadNative();
    const listener = native.listen('127.0.0.1', 0, 16, { reusePort: false, ipv6Only: false });
    const peer = native.connect('127.0.0.1', native.localAddress(listener)!.port);
    let fd = native.accept(listener);
    while (fd < 0) {
      await nextTurn();
      fd = native.accept(listener);
    }
    native.close(listener);
    // Loopback delivers within the call.
    const real = await played(scenario, { sockets: native, fd, peer }, nextTurn);

    const kernel = new MemoryKernel({});
    const [inMemory, other] = connected(kernel);
    const arrived = async () => {
      while (kernel.arrive());
    };
    expect(await played(scenario, { sockets: kernel, fd: inMemory, peer: other }, arrived)).toEqual(real);
    expect(real.length).toBeGreaterThan(1);
  });

  test('a port is listened on once', () => {
    const kernel = new MemoryKernel({});
    const { port } = kernel.localAddress(kernel.listen('127.0.0.1'));
    expect(kernel.listen('127.0.0.1', port)).toBe(Status.failed);
    expect(kernel.lastFailure()).toMatchObject({ code: 'EADDRINUSE', call: 'bind' });
  });

  test('who waits in the backlog of a listener that closes is reset', () => {
    const kernel = new MemoryKernel({});
    const listener = kernel.listen('127.0.0.1');
    const fd = kernel.connect('127.0.0.1', kernel.localAddress(listener).port);
    kernel.close(listener);
    kernel.arrive();
    expect(kernel.recv(fd, CHUNK, 0, 1)).toBe(Status.failed);
    expect(kernel.lastFailure()).toMatchObject({ code: 'ECONNRESET', call: 'recv' });
  });

  test('a descriptor is closed once, and not used afterwards', () => {
    const kernel = new MemoryKernel({});
    const [fd] = connected(kernel);
    kernel.close(fd);
    expect(() => kernel.close(fd)).toThrow(/is not open/);
    expect(() => kernel.recv(fd, CHUNK, 0, 1)).toThrow(/is not open/);
  });
});
