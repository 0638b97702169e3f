import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CloseReason, Connection, Protocol } from '../src/index.ts';
import { Reactor } from '../src/reactor.ts';
import { FakeClock, FakeDisk, FakePoller } from '../src/testing/index.ts';
import { Status, type Transport } from '../src/transport.ts';
import { ScriptedSockets } from './support/scripted-sockets.ts';

let sockets: ScriptedSockets;
let poller: FakePoller;
let reactor: Reactor;
let errors: Error[];
let closed: { readonly fd: number; readonly reason: CloseReason; readonly code: unknown }[];
const conns = new Map<number, Connection>();
/** What each was told, in order: `3:bytes`. */
let told: string[];
let onData: (fd: number, text: string) => void;

const fdOf = (conn: Connection) => [...conns].find(([, other]) => other === conn)?.[0] ?? -1;
const conn = (fd: number) => conns.get(fd) as Connection;

const protocol: Protocol<undefined> = {
  onOpen(opened) {
    conns.set(conns.size + 1, opened);
    return undefined;
  },
  onData(opened, chunk) {
    const text = chunk.toString();
    told.push(`${fdOf(opened)}:${text}`);
    onData(fdOf(opened), text);
  },
  onEnd: (opened) => void told.push(`${fdOf(opened)} ended`),
  onDrain: (opened) => void told.push(`${fdOf(opened)} drained`),
  onClose: (opened, reason, cause) =>
    void closed.push({ fd: fdOf(opened), reason, code: (cause as { code?: unknown } | undefined)?.code }),
};

/** Descriptors from 1 on, each of an open connection that is found dry. */
async function open(count: number, limits = {}): Promise<void> {
  sockets = new ScriptedSockets();
  poller = new FakePoller();
  const parts = { poller, sockets, disk: new FakeDisk(), clock: new FakeClock() };
  reactor = new Reactor(parts, { poisonReads: true, onError: (error) => errors.push(error), limits });
  await reactor.listen({ port: 0 }, protocol);
  const [listener] = poller.registered.keys();
  for (let fd = 1; fd <= count; fd += 1) sockets.backlog.push(fd);
  poller.fire([listener as number, Ready.readable]);
  poller.settle();
  sockets.calls.length = 0;
}

/** One batch in which all of `fds` are readable. */
const readable = (...fds: number[]) =>
  poller.fire(...fds.map((fd): [number, number] => [fd, Ready.readable]));

/** Puts a transport on it that never opens; `onHead` is told of its first input. */
function upgrade(which: Connection, onHead: (head: string) => void): void {
  const accept = (_fd: number, head?: Uint8Array): Transport => {
    onHead(Buffer.from(head ?? []).toString());
    return {
      name: 'next',
      secure: true,
      applicationProtocol: undefined,
      drained: false,
      handshake: () => Status.wantsRead,
      read: () => Status.wantsRead,
      write: (_bytes, _offset, length) => length,
      shutdownWrite: () => 0,
      failure: () => ({ reason: 'error', error: new Error('none') }),
      close: () => {},
    };
  };
  which.upgrade({ name: 'next', upgrades: true, accept }, { head: new Uint8Array(0) });
}

beforeEach(() => {
  conns.clear();
  errors = [];
  closed = [];
  told = [];
  onData = (fd, text) => void conn(fd).write(`<${text}>`);
});

describe('the connections of a batch', () => {
  test('are read in one call, told in the order of their events, and answered in one call', async () => {
    await open(3);
    for (const fd of [1, 2, 3]) sockets.sends(fd, `of ${fd}`);
    readable(2, 3, 1);
    expect(told).toEqual(['2:of 2', '3:of 3', '1:of 1']);
    expect(sockets.calls).toEqual(['recvMany of 3', 'sendMany of 3']);
    expect([...sockets.sent]).toEqual([
      [2, '<of 2>'],
      [3, '<of 3>'],
      [1, '<of 1>'],
    ]);
    expect(reactor.stats()).toMatchObject({ bytesReceived: 12, bytesSent: 18, queuedBytes: 0 });
  });

  test('are served sixteen at a time', async () => {
    const fds = Array.from({ length: 20 }, (_, index) => index + 1);
    await open(20);
    for (const fd of fds) sockets.sends(fd, 'x');
    readable(...fds);
    expect(sockets.calls).toEqual(['recvMany of 16', 'sendMany of 16', 'recvMany of 4', 'sendMany of 4']);
    expect(told).toHaveLength(20);
  });

  test('do for themselves what there is only one of', async () => {
    await open(2);
    sockets.sends(1, 'alone');
    readable(1);
    expect(sockets.calls).toEqual(['recv 1', 'send 1']);
    // The other is not to be read ahead: its end is announced.
    sockets.calls.length = 0;
    sockets.sends(1, 'alone');
    sockets.sends(2, { ends: true });
    poller.fire([1, Ready.readable], [2, Ready.readable | Ready.readClosed]);
    expect(sockets.calls).toEqual(['recv 1', 'send 1', 'recv 2']);
  });

  test('are read on one by one where more has come than the call has room for', async () => {
    await open(2);
    const much = 'm'.repeat(5_000);
    sockets.sends(1, much);
    sockets.sends(2, 'little');
    onData = () => {};
    readable(1, 2);
    expect(told).toEqual([`1:${much.slice(0, 4096)}`, `1:${much.slice(4096)}`, '2:little']);
    expect(sockets.calls).toEqual(['recvMany of 2', 'recv 1']);
    // Who had that much is read by itself next time, until it has less.
    sockets.calls.length = 0;
    sockets.sends(1, much);
    sockets.sends(2, 'x');
    readable(1, 2);
    expect(sockets.calls).toEqual(['recv 1', 'recv 2']);
    sockets.calls.length = 0;
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    readable(1, 2);
    readable(1, 2);
    expect(sockets.calls).toEqual(['recv 1', 'recv 2', 'recvMany of 2']);
  });

  test('find nothing where an event was for nothing, and are told nothing', async () => {
    await open(2);
    readable(1, 2);
    expect(sockets.calls).toEqual(['recvMany of 2']);
    expect(told).toEqual([]);
    sockets.sends(1, 'later');
    readable(1);
    expect(told).toEqual(['1:later']);
  });
});

describe('what was read ahead', () => {
  test('is told to who was paused by another when it resumes, once, and before what comes later', async () => {
    await open(2);
    onData = (fd) => {
      if (fd === 1) conn(2).pause();
    };
    sockets.sends(1, 'stop');
    sockets.sends(2, 'first');
    readable(1, 2);
    expect(told).toEqual(['1:stop']);
    expect(conn(2).readHalf).toBe('paused');
    sockets.sends(2, 'second');
    readable(2);
    conn(2).resume();
    poller.settle();
    expect(told).toEqual(['1:stop', '2:first', '2:second']);
    expect(reactor.stats().bytesReceived).toBe(15);
  });

  test('is not told to who was destroyed by another, and its peer is told that it was not read', async () => {
    await open(2);
    onData = () => conn(2).destroy();
    sockets.sends(1, 'x');
    sockets.sends(2, 'unheard');
    readable(1, 2);
    expect(told).toEqual(['1:x']);
    expect(sockets.calls).toEqual(['recvMany of 2', 'cut 2', 'close 2']);
    expect(closed).toEqual([{ fd: 2, reason: 'clean', code: undefined }]);
  });

  test('belongs to the transport that another puts on it', async () => {
    await open(2);
    const heads: string[] = [];
    onData = () => upgrade(conn(2), (head) => heads.push(head));
    sockets.sends(1, 'x');
    sockets.sends(2, 'client hello');
    readable(1, 2);
    expect(heads).toEqual(['client hello']);
    expect(told).toEqual(['1:x']);
  });

  test('goes to the protocol that another puts in the place of the one so far', async () => {
    await open(2);
    const heard: string[] = [];
    const next: Protocol<undefined> = {
      onOpen: () => undefined,
      onData: (_conn, chunk) => void heard.push(chunk.toString()),
    };
    onData = () => void conn(2).become(next, Buffer.from('head '));
    sockets.sends(1, 'x');
    sockets.sends(2, 'body');
    readable(1, 2);
    poller.settle();
    expect(heard.join('')).toBe('head body');
    expect(told).toEqual(['1:x']);
  });

  test('comes behind what another gives back to it', async () => {
    await open(2);
    sockets.sends(1, 'first');
    sockets.sends(2, 'second');
    onData = (fd) => void (fd === 1 && conn(2).unshift(Buffer.from('again ')));
    readable(1, 2);
    poller.settle();
    expect(told).toEqual(['1:first', '2:again ', '2:second']);
  });

  test('that failed closes with its reason, also where it was paused in between', async () => {
    await open(3);
    onData = (fd) => {
      if (fd === 1) conn(3).pause();
    };
    sockets.sends(1, 'x');
    for (const fd of [2, 3]) sockets.sends(fd, { errno: 'ECONNRESET' }, { ends: true });
    readable(1, 2, 3);
    expect(closed).toEqual([{ fd: 2, reason: 'reset', code: 'ECONNRESET' }]);
    conn(3).resume();
    poller.settle();
    expect(closed[1]).toEqual({ fd: 3, reason: 'reset', code: 'ECONNRESET' });
  });

  test('is an end that is told once, when who was paused resumes', async () => {
    await open(2);
    onData = () => conn(2).pause();
    sockets.sends(1, 'x');
    sockets.sends(2, { ends: true });
    readable(1, 2);
    expect(told).toEqual(['1:x']);
    conn(2).resume();
    poller.settle();
    expect(told).toEqual(['1:x', '2 ended']);
  });
});

describe('what is sent with that of others', () => {
  test('is counted as queued until it has left', async () => {
    await open(2);
    const queued: number[] = [];
    onData = (fd) => {
      conn(fd).write('answer');
      queued.push(conn(1).queuedBytes);
    };
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    readable(1, 2);
    expect(queued).toEqual([6, 6]);
    expect(conn(1).queuedBytes).toBe(0);
  });

  test('leaves before what others write to the same connection meanwhile', async () => {
    await open(2);
    onData = (fd) => {
      conn(fd).write(`own of ${fd}.`);
      if (fd === 2) conn(1).write('of another.');
    };
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    readable(1, 2);
    expect(sockets.sent.get(1)).toBe('own of 1.of another.');
    expect(sockets.calls).toEqual(['recvMany of 2', 'sendMany of 2', 'send 1']);
  });

  test('leaves in order when the socket takes only a part of it', async () => {
    await open(2);
    onData = (fd) => {
      conn(fd).write('0123456789');
      if (fd === 2) conn(1).write('abc');
    };
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    sockets.outbound.set(1, [4, { errno: 'EAGAIN' }]);
    readable(1, 2);
    expect(conn(1).writeHalf).toBe('blocked');
    expect(conn(1).queuedBytes).toBe(9);
    expect(poller.isWritableArmed(1)).toBe(true);
    poller.fire([1, Ready.writable]);
    expect(sockets.sent.get(1)).toBe('0123456789abc');
    expect(poller.isWritableArmed(1)).toBe(false);
    expect(reactor.stats()).toMatchObject({ bytesSent: 23, queuedBytes: 0 });
  });

  test('leaves whole when the socket is full at first', async () => {
    await open(2);
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    sockets.outbound.set(2, [{ errno: 'EAGAIN' }, { errno: 'EAGAIN' }]);
    readable(1, 2);
    expect(sockets.sent.get(2)).toBeUndefined();
    poller.fire([2, Ready.writable]);
    expect(sockets.sent.get(2)).toBe('<x>');
  });

  test('leaves before its connection is closed, by another or by itself', async () => {
    await open(3);
    onData = (fd) => {
      conn(fd).write(`bye ${fd}`);
      if (fd === 2) conn(1).destroy();
      if (fd === 3) conn(3).end();
    };
    for (const fd of [1, 2, 3]) sockets.sends(fd, 'x');
    readable(1, 2, 3);
    expect([...sockets.sent.values()]).toEqual(['bye 1', 'bye 3', 'bye 2']);
    // Of two that were posted one was taken back.
    expect(sockets.calls).toEqual(['recvMany of 3', 'send 1', 'close 1', 'send 3', 'sendMany of 2']);
  });

  test('leaves before another puts a transport on its connection', async () => {
    await open(2);
    onData = (fd) => {
      if (fd === 1) conn(1).write('go ahead');
      else upgrade(conn(1), () => sockets.calls.push('upgrade 1'));
    };
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    readable(1, 2);
    expect(sockets.calls).toEqual(['recvMany of 2', 'send 1', 'upgrade 1', 'sendMany of 1']);
    expect(sockets.sent.get(1)).toBe('go ahead');
  });

  test('and cannot, closes the connection that another puts a transport on', async () => {
    await open(2);
    onData = (fd) => {
      if (fd === 1) conn(1).write('go ahead');
      else upgrade(conn(1), () => sockets.calls.push('upgrade 1'));
    };
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    sockets.outbound.set(1, [{ errno: 'EPIPE' }]);
    readable(1, 2);
    expect(sockets.calls).not.toContain('upgrade 1');
    expect(closed).toEqual([{ fd: 1, reason: 'reset', code: 'EPIPE' }]);
  });

  test('closes its connection with the reason when it cannot leave', async () => {
    await open(3);
    for (const fd of [1, 2, 3]) sockets.sends(fd, 'x');
    sockets.outbound.set(2, [{ errno: 'EPIPE' }]);
    readable(1, 2, 3);
    poller.settle();
    expect(closed).toEqual([{ fd: 2, reason: 'reset', code: 'EPIPE' }]);
    expect([...sockets.sent.keys()]).toEqual([1, 3]);
  });

  test('leaves although a hook of another throws', async () => {
    await open(3);
    onData = (fd) => {
      conn(fd).write('answer');
      if (fd === 2) throw new Error('on purpose');
    };
    for (const fd of [1, 2, 3]) sockets.sends(fd, 'x');
    readable(1, 2, 3);
    expect(errors).toEqual([new Error('on purpose')]);
    expect([...sockets.sent.keys()]).toEqual([1, 3]);
  });

  test('is little: what is more than 2 KiB leaves by itself, and so does what drains are owed for', async () => {
    await open(2, { highWaterMarkBytes: 100, lowWaterMarkBytes: 10 });
    onData = (fd) => void conn(fd).write('a'.repeat(fd === 1 ? 2_049 : 100));
    for (const fd of [1, 2]) sockets.sends(fd, 'x');
    readable(1, 2);
    expect(sockets.calls).toEqual(['recvMany of 2', 'send 1', 'send 2']);
    expect(told).toEqual(['1:x', '1 drained', '2:x', '2 drained']);
  });
});
