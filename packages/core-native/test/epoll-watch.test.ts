import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Interest, type NativeEpoll } from '../src/index.ts';
import { addonPaths } from '../src/loader.ts';
import { connectedPair, type SocketPair, sendAll, until } from './support/loopback.ts';
import { collectGarbage, leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const scenario = fileURLToPath(new URL('./fixtures/watch-scenario.mjs', import.meta.url));

/** An epoll with one readable socket on it, and the promise of its first callback. */
function watchedPair(onReady: (count: number, epoll: NativeEpoll) => void): {
  epoll: NativeEpoll;
  pair: SocketPair;
} {
  const pair = connectedPair();
  const epoll = new native.Epoll(new Int32Array(3 * 4));
  epoll.add(pair.server, 0, 0, Interest.readable);
  epoll.watch((count) => onReady(count, epoll));
  return { epoll, pair };
}

describe('a watched epoll', () => {
  it('calls back from the event loop when a descriptor becomes ready', async () => {
    const calls: number[] = [];
    const { epoll, pair } = await new Promise<ReturnType<typeof watchedPair>>((resolve) => {
      const watched = watchedPair((count) => {
        calls.push(count);
        resolve(watched);
      });
      sendAll(watched.pair.client, Buffer.from('x'));
      expect(calls).toEqual([]);
    });
    expect(calls).toEqual([1]);
    epoll.close();
    pair.close();
  });

  it('runs ticks and microtasks after each callback', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      const { pair } = watchedPair((_count, epoll) => {
        process.nextTick(() => order.push('tick'));
        Promise.resolve().then(() => {
          order.push('microtask');
          pair.close();
          setImmediate(resolve);
        });
        order.push('callback');
        epoll.close();
      });
      sendAll(pair.client, Buffer.from('x'));
    });
    expect(order).toEqual(['callback', 'tick', 'microtask']);
  });

  it('calls back in the async context in which it was watched', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen = await new Promise((resolve) => {
      storage.run('outer', () => {
        const { pair } = watchedPair((_count, epoll) => {
          epoll.close();
          pair.close();
          resolve(storage.getStore());
        });
        sendAll(pair.client, Buffer.from('x'));
      });
    });
    expect(seen).toBe('outer');
  });

  it('says nothing about what wait() took first', async () => {
    const counts: number[] = [];
    const { epoll, pair } = watchedPair((count) => counts.push(count));
    sendAll(pair.client, Buffer.from('x'));
    expect(epoll.wait(1000)).toBe(1);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(counts).toEqual([]);
    epoll.close();
    pair.close();
  });

  it('P14 delivers what a full batch left in the next turn', async () => {
    const pairs = Array.from({ length: 5 }, connectedPair);
    const epoll = new native.Epoll(new Int32Array(3 * 2));
    for (const [slot, pair] of pairs.entries()) epoll.add(pair.client, slot, 0, Interest.writable);
    const counts: number[] = [];
    await new Promise<void>((resolve) => {
      epoll.watch((count) => {
        counts.push(count);
        if (counts.reduce((sum, each) => sum + each, 0) === pairs.length) resolve();
      });
    });
    expect(counts).toEqual([2, 2, 1]);
    epoll.close();
    for (const pair of pairs) pair.close();
  });

  it('stays alive when nobody holds it', async () => {
    let calls = 0;
    const pair = connectedPair();
    let finish = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    (() => {
      watchOn(pair.server, (epoll) => {
        calls += 1;
        epoll.close();
        finish();
      });
    })();
    await collectGarbage();
    sendAll(pair.client, Buffer.from('x'));
    await done;
    expect(calls).toBe(1);
    pair.close();
  });

  it('is watched once only', () => {
    const epoll = new native.Epoll(new Int32Array(3));
    epoll.watch(() => {});
    expect(() => epoll.watch(() => {})).toThrow('This epoll is watched already');
    epoll.close();
  });

  it('may be closed and made again within one callback', async () => {
    await new Promise<void>((resolve) => {
      const { pair } = watchedPair((_count, epoll) => {
        epoll.close();
        until(pair.server, () => native.recv(pair.server, Buffer.alloc(1), 0, 1));
        watchOn(pair.server, (second) => {
          second.close();
          pair.close();
          resolve();
        });
        sendAll(pair.client, Buffer.from('y'));
      });
      sendAll(pair.client, Buffer.from('x'));
    });
  });
});

describe('a process', () => {
  it.each([
    ['ends while an unreferenced epoll is watched', 'unref', 'exit'],
    ['ends when a referenced epoll is closed', 'close', 'closed exit'],
    ['hears of an exception in the callback as uncaught, and goes on', 'throw', 'uncaught: boom next exit'],
    ['ends by process.exit() from inside the callback', 'exit', 'exit'],
    ['ends by an exception in the callback that nobody handles', 'crash', ''],
    ['stays alive for a referenced epoll', 'ref', 'called exit'],
  ])('%s', (_name, scene, output) => {
    const result = spawnSync(process.execPath, [scenario, addonPaths()[0]!, scene], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ stdout: result.stdout.trim().replaceAll('\n', ' '), signal: result.signal }).toEqual({
      stdout: output,
      signal: null,
    });
    expect(result.status).toBe(scene === 'crash' ? 1 : 0);
    if (scene === 'crash') expect(result.stderr).toContain('Error: boom');
  });
});

function watchOn(fd: number, onReady: (epoll: NativeEpoll) => void): void {
  const epoll = new native.Epoll(new Int32Array(3));
  epoll.add(fd, 0, 0, Interest.readable);
  epoll.watch(() => onReady(epoll));
}
