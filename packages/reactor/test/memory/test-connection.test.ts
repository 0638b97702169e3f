import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Protocol, UsageError } from '../../src/index.ts';
import { testConnection } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

/** Answers every line with its length. */
const lengths: Protocol<{ rest: string }> = {
  onOpen: () => ({ rest: '' }),
  onData(conn, chunk) {
    const lines = (conn.state.rest + chunk).split('\n');
    conn.state.rest = lines.pop() ?? '';
    for (const line of lines) conn.write(`${line.length}\n`);
  },
  onEnd: (conn) => conn.end('bye\n'),
};

/** Echoes under backpressure. */
const echoing: Protocol = {
  onOpen: () => {},
  onData: (conn, chunk) => {
    if (!conn.write(chunk)) conn.pause();
  },
  onDrain: (conn) => conn.resume(),
  onEnd: (conn) => conn.end(),
};

/** A failure of `node:assert`, by its message. */
const complaint = (message: RegExp) =>
  expect.objectContaining({
    name: 'AssertionError',
    code: 'ERR_ASSERTION',
    message: expect.stringMatching(message),
  });

describe('a peer', () => {
  test('says pieces, each an event of its own, and takes what was answered', async () => {
    const peer = await testConnection(lengths);
    await peer.send('on', 'e\nthr', 'ee\n');
    expect(peer.take()).toBe('3\n5\n');
    expect(peer.take()).toBe('');
    expect(peer.conn.state).toEqual({ rest: '' });
    await peer.send('four\n');
    expect(peer.take('latin1')).toBe('4\n');
    expect(String(peer.received)).toBe('3\n5\n4\n');
    await peer.finish();
  });

  test('has so many calls of onData as it says pieces', async () => {
    const recorder = new Recorder();
    const peer = await testConnection(recorder);
    await peer.send('a', 'bc', Uint8Array.of(100));
    expect(recorder.log).toEqual(['open', 'data a', 'data bc', 'data d']);
    recorder.ended = (conn) => conn.end();
    await peer.finish();
    expect(recorder.log.slice(4)).toEqual(['end', 'close clean']);
  });

  test('ends its side and goes on reading', async () => {
    const peer = await testConnection(lengths);
    await peer.end('last\nrest');
    expect(peer.take()).toBe('4\nbye\n');
    expect(peer.hasEnd).toBe(true);
    expect(peer.closeReason).toBe('clean');
    expect(peer.closeCause).toBeUndefined();
    await peer.finish();
  });

  test('sees the end of a protocol that ends first, and may go on', async () => {
    const recorder = new Recorder();
    recorder.opened = (conn) => conn.end('that was all');
    const peer = await testConnection(recorder);
    expect(peer.take()).toBe('that was all');
    expect(peer.hasEnd).toBe(true);
    expect(peer.closeReason).toBeUndefined();
    await peer.send('still here');
    await peer.end();
    expect(recorder.log).toEqual(['open', 'data still here', 'end', 'close clean']);
    await peer.finish();
  });

  test('that does not read makes write answer false, and onDrain follows when it reads again', async () => {
    const answers: boolean[] = [];
    const recorder = new Recorder();
    recorder.data = (conn) => answers.push(conn.write(Buffer.alloc(60, 'x')));
    const limits = { highWaterMarkBytes: 70, lowWaterMarkBytes: 10 };
    const peer = await testConnection(recorder, { limits, capacityBytes: 100 });
    peer.pause();
    await peer.send('1', '2', '3');
    expect(answers).toEqual([true, true, false]);
    expect(peer.conn.needsDrain).toBe(true);
    expect(peer.conn.queuedBytes).toBe(80);
    await peer.resume(30);
    expect(recorder.log).not.toContain('drain');
    await peer.resume();
    expect(recorder.log.at(-1)).toBe('drain');
    expect(peer.received).toHaveLength(180);
    recorder.ended = (conn) => conn.end();
    await peer.finish();
  });

  test('keeps what a protocol that has paused takes no more of', async () => {
    const recorder = new Recorder();
    recorder.data = (conn) => conn.pause();
    const peer = await testConnection(recorder, { capacityBytes: 10 });
    await peer.send('first', Buffer.alloc(25, 'x'));
    expect(recorder.log).toEqual(['open', 'data first']);
    expect(peer.unsentBytes).toBe(15);
    recorder.data = () => {};
    peer.conn.resume();
    await peer.settle();
    expect(peer.unsentBytes).toBe(0);
    expect(recorder.log.slice(2).join('')).toMatch(/^(data x+)+$/);
    recorder.ended = (conn) => conn.end();
    await peer.finish();
  });

  test('gets megabytes back through a narrow network, byte for byte', async () => {
    const limits = { highWaterMarkBytes: 5_000, lowWaterMarkBytes: 100 };
    const peer = await testConnection(echoing, { limits, capacityBytes: 3_000, pieceBytes: 1_700 });
    const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => (at * at) % 251));
    await peer.end(sent);
    expect(peer.received.equals(sent)).toBe(true);
    expect(peer.closeReason).toBe('clean');
    await peer.finish();
  });

  test('breaks off: the protocol is told once, with the errno', async () => {
    const recorder = new Recorder();
    const peer = await testConnection(recorder);
    await peer.send('half a wo');
    await peer.reset();
    expect(recorder.log).toEqual([
      'open',
      'data half a wo',
      expect.stringMatching(/^close reset: .*ECONNRESET/),
    ]);
    expect(peer.closeReason).toBe('reset');
    expect(peer.closeCause).toMatchObject({ name: 'SystemError', code: 'ECONNRESET' });
    await peer.finish();
  });

  test('sees that a protocol destroys with an error, as a reset', async () => {
    const recorder = new Recorder();
    recorder.data = (conn) => conn.destroy(new Error('enough'));
    const peer = await testConnection(recorder);
    await peer.send('x');
    expect(peer.hasReset).toBe(true);
    expect(peer.hasEnd).toBe(false);
    expect(peer.closeReason).toBe('error');
    expect(peer.closeCause).toMatchObject({ message: 'enough' });
    await peer.finish();
  });

  test('hears the rest of a protocol that closes while it still talks', async () => {
    const recorder = new Recorder();
    recorder.data = (conn) => {
      conn.write('bye');
      conn.close();
    };
    const peer = await testConnection(recorder);
    await peer.send('quit\n', 'and another thing\n');
    expect(peer.take()).toBe('bye');
    expect(peer.hasEnd).toBe(true);
    expect(recorder.log).toEqual(['open', 'data quit\n']);
    await peer.finish();
    expect(recorder.log.at(-1)).toBe('close clean');
  });

  test('waits for promises and immediates of the protocol', async () => {
    const later: Protocol = {
      onOpen: () => {},
      onData: async (conn, chunk) => {
        const text = String(chunk);
        for (let turn = 0; turn < 3; turn += 1) {
          await nextTurn();
          await Promise.resolve();
        }
        conn.write(text);
      },
    };
    const peer = await testConnection(later);
    await peer.send('hello');
    expect(peer.take()).toBe('hello');
    await peer.finish();
  });

  test('of a client hears what onOpen says, and answers', async () => {
    const recorder = new Recorder();
    recorder.opened = (conn) => conn.write('HELO\r\n');
    recorder.ended = (conn) => conn.end('QUIT\r\n');
    const peer = await testConnection(recorder, { side: 'client' });
    expect(peer.take()).toBe('HELO\r\n');
    await peer.send('250 ok\r\n');
    await peer.end();
    expect(peer.take()).toBe('QUIT\r\n');
    expect(recorder.log).toEqual(['open', 'data 250 ok\r\n', 'end', 'close clean']);
    await peer.finish();
  });
});

describe('time', () => {
  test('passes when the test says so, and deadlines pass at their moments', async () => {
    const recorder = new Recorder();
    const peer = await testConnection(recorder, { limits: { idleTimeoutMs: 2_000 } });
    await peer.send('.');
    await peer.advance(1_900);
    expect(recorder.log).toEqual(['open', 'data .']);
    await peer.advance(300);
    expect(recorder.log.at(-1)).toMatch(/^close timeout: /);
    expect(peer.closeReason).toBe('timeout');
    expect(peer.closeCause).toMatchObject({ name: 'TimeoutError', code: 'ERR_IDLE_TIMEOUT' });
    await peer.finish();
  });

  test('lets what follows from one deadline happen before the next', async () => {
    const ticking: Protocol<{ ticks: number }> = {
      onOpen: (conn) => {
        conn.setDeadline(1_000);
        return { ticks: 0 };
      },
      onTimeout(conn) {
        conn.state.ticks += 1;
        conn.write(`${conn.state.ticks};`);
        conn.setDeadline(1_000);
        return true;
      },
    };
    const peer = await testConnection(ticking);
    await peer.advance(5_500);
    expect(peer.take()).toBe('1;2;3;4;5;');
    await peer.finish();
  });

  test('of a peer that does not read passes for its writes', async () => {
    const recorder = new Recorder();
    recorder.data = (conn) => conn.write(Buffer.alloc(200));
    const peer = await testConnection(recorder, {
      capacityBytes: 100,
      limits: { writeStallTimeoutMs: 1_000 },
    });
    peer.pause();
    await peer.send('.');
    await peer.advance(1_500);
    expect(peer.closeCause).toMatchObject({ code: 'ERR_WRITE_STALL_TIMEOUT' });
    await peer.resume();
    expect(peer.hasReset).toBe(true);
    await peer.finish();
  });
});

describe('a shutdown', () => {
  test('asks the protocol, which may finish', async () => {
    const recorder = new Recorder();
    const shutting = Object.assign(recorder, { onShutdown: () => recorder.log.push('shutdown') });
    const peer = await testConnection<{ readonly opened: number }>(
      shutting as Protocol<{ readonly opened: number }>,
    );
    await peer.shutdown();
    expect(recorder.log).toEqual(['open', 'shutdown']);
    await peer.send('the rest');
    peer.conn.close();
    await peer.finish();
    expect(recorder.log).toEqual(['open', 'shutdown', 'data the rest', 'close clean']);
  });

  test('destroys who has not left at its deadline', async () => {
    const staying: Protocol = { onOpen: () => {}, onShutdown: () => {} };
    const peer = await testConnection(staying);
    await peer.shutdown({ deadlineMs: 3_000 });
    await peer.advance(2_000);
    expect(peer.closeReason).toBeUndefined();
    await peer.advance(1_100);
    expect(peer.closeCause).toMatchObject({ code: 'ERR_SHUTDOWN_TIMEOUT' });
    await peer.finish();
  });
});

describe('what a test did wrong', () => {
  test('is told by finish when a hook threw, and not when the test has taken the error', async () => {
    const throwing: Protocol = {
      onOpen: () => {},
      onData: () => {
        throw new Error('I cannot read');
      },
    };
    const peer = await testConnection(throwing);
    await peer.send('x');
    expect(peer.errors).toHaveLength(1);
    expect(peer.closeReason).toBe('error');
    const error = await peer.finish().catch((thrown: Error) => thrown);
    expect(error).toEqual(
      complaint(/^a hook threw, or the reactor reported: I cannot read\. .*takeErrors\(\)/),
    );
    expect((error as Error).cause).toMatchObject({ message: 'I cannot read' });

    const another = await testConnection(throwing);
    await another.send('x');
    expect(another.takeErrors().map(({ message }) => message)).toEqual(['I cannot read']);
    await another.finish();
  });

  test('is told when onOpen threw: the reason is error', async () => {
    const throwing: Protocol = {
      onOpen: () => {
        throw new Error('not you');
      },
    };
    const peer = await testConnection(throwing);
    expect(peer.closeReason).toBe('error');
    expect(peer.takeErrors()).toMatchObject([{ message: 'not you' }]);
    await peer.finish();
    await expect(testConnection(throwing, { side: 'client' })).rejects.toThrow('not you');
  });

  test('is told of a protocol that never leaves, with what it waits for', async () => {
    const staying: Protocol = { onOpen: () => {}, onEnd: () => {} };
    const peer = await testConnection(staying);
    await expect(peer.finish()).rejects.toEqual(
      complaint(
        /^a connection is still open .*\n {2}connection 1: onEnd has been called, and our side was not ended\n/,
      ),
    );
    const pausing: Protocol = { onOpen: (conn) => conn.pause() };
    await expect((await testConnection(pausing)).finish()).rejects.toEqual(
      complaint(/it has paused, so that onEnd waits/),
    );
  });

  test('is told when a peer speaks to who has gone, or after its own end', async () => {
    const peer = await testConnection(lengths);
    await peer.end();
    await expect(peer.send('x')).rejects.toEqual(
      complaint(/^send\(\): the connection has closed \(clean\); nobody would hear that$/),
    );
    await peer.finish();
    const other = await testConnection(new Recorder());
    other.conn.pause();
    await other.end();
    await expect(other.end()).rejects.toEqual(complaint(/^end\(\): this peer has ended its side already$/));
    other.conn.destroy();
    await other.finish();
  });

  test('is told of options that do not exist', async () => {
    const error = await testConnection(lengths, { capacity: 5 } as object).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      code: 'ERR_UNKNOWN_OPTION',
      message:
        "testConnection has no option 'capacity'. Known are: side, capacityBytes, pieceBytes, limits, onError, poisonReads.",
    });
    await expect(testConnection(lengths, { capacityBytes: 0 })).rejects.toMatchObject({
      code: 'ERR_OPTION_VALUE',
      message: expect.stringContaining('capacityBytes must be an integer from 1'),
    });
  });

  test('is told of a chunk that the protocol kept: it was overwritten', async () => {
    const keeping: Protocol<{ kept: Buffer | undefined }> = {
      onOpen: () => ({ kept: undefined }),
      onData: (conn, chunk) => {
        conn.state.kept = chunk;
      },
    };
    const peer = await testConnection(keeping);
    await peer.send('mine');
    expect(peer.conn.state.kept?.every((byte) => byte === 0xdd)).toBe(true);
    await peer.finish();
  });
});
