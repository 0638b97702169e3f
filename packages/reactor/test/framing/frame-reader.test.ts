/** Which frames are told, and to whom, when the protocol does something in the middle of a chunk. */
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Connection,
  type FrameError,
  FrameReader,
  lengthPrefixed,
  lines,
  type Protocol,
  UsageError,
} from '../../src/index.ts';
import { Harness } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

type Line = FrameReader<Buffer>;

const LINES = lines({ maxBytes: 1_000 });

let harness: Harness;
/** What was told, and by whom. */
let log: string[];
let conn: Connection<Line>;
/** What the protocol does with a line; it has told it by then. */
let act: (line: string) => void;

const protocol: Protocol<Line> = {
  onOpen(opened) {
    conn = opened;
    return new FrameReader(LINES);
  },
  onData: (opened, chunk) => opened.state.read(opened, chunk, onLine),
  onEnd: () => void log.push('end'),
  onClose: (_conn, reason, cause) =>
    void log.push(`close ${reason}${cause === undefined ? '' : `: ${cause.message}`}`),
};

function onLine(_conn: Connection<Line>, frame: Buffer): void {
  const line = frame.toString('latin1');
  log.push(line);
  act(line);
}

beforeEach(async () => {
  harness = new Harness();
  log = [];
  act = () => {};
  await harness.listen(protocol);
});

function accept(...chunks: (string | { status: 'ended' })[]) {
  const accepted = harness.accept(({ reads }) => reads.push(...chunks));
  harness.poller.settle();
  return accepted;
}

describe('a protocol that pauses in the middle of a chunk', () => {
  test('is told no further frame, then the rest ahead of what came later and of the end', () => {
    act = (line) => void (line === 'stop' && conn.pause());
    accept('a\nstop\nb\nstop\nc', 'd\nstop\n', { status: 'ended' });
    expect(log).toEqual(['a', 'stop']);
    conn.resume();
    expect(log).toEqual(['a', 'stop']);
    harness.poller.settle();
    expect(log.slice(2)).toEqual(['b', 'stop']);
    conn.resume();
    harness.poller.settle();
    expect(log.slice(4)).toEqual(['cd', 'stop']);
    conn.resume();
    harness.poller.settle();
    expect(log.slice(6)).toEqual(['end']);
  });

  test('and goes on at once is told all of it in one go', () => {
    act = () => {
      conn.pause();
      conn.resume();
    };
    accept('a\nb\nc\n');
    expect(log).toEqual(['a', 'b', 'c']);
  });

  test('before it reads is told nothing', () => {
    const early: Protocol<Line> = {
      ...protocol,
      onData(opened, chunk) {
        if (log.length === 0) opened.pause();
        log.push(`chunk ${chunk.length}`);
        opened.state.read(opened, chunk, onLine);
      },
    };
    return harness.listen(early).then(() => {
      accept('a\nb\n');
      expect(log).toEqual(['chunk 4']);
      conn.resume();
      harness.poller.settle();
      expect(log).toEqual(['chunk 4', 'chunk 1', 'a', 'b']);
    });
  });

  test('after every frame has the rest of the chunk copied once', () => {
    const frames = 10_000;
    const stream = 'x\n'.repeat(frames);
    act = () => conn.pause();
    accept(stream);
    const from = Buffer.from.bind(Buffer);
    let copied = 0;
    Buffer.from = ((...args: Parameters<typeof from>) => {
      const made = from(...args);
      copied += made.length;
      return made;
    }) as typeof Buffer.from;
    try {
      for (let count = 1; count < frames; count += 1) {
        conn.resume();
        harness.poller.settle();
      }
    } finally {
      Buffer.from = from;
    }
    expect(log).toHaveLength(frames);
    expect(copied).toBeLessThan(2 * stream.length);
  });

  test('and is closed is told none of it', () => {
    act = () => conn.pause();
    accept('a\nb\nc\n');
    conn.close();
    harness.poller.settle();
    expect(log).toEqual(['a']);
  });

  test('and hands the connection on hands over the rest, byte for byte', () => {
    const next = new Recorder();
    act = () => conn.pause();
    accept('a\nbcd\nef', 'gh');
    conn.become(next, conn.state.takeRest());
    harness.poller.settle();
    expect(log).toEqual(['a']);
    expect(
      next.log
        .filter((each) => each.startsWith('data'))
        .map((each) => each.slice(5))
        .join(''),
    ).toBe('bcd\nefgh');
  });

  test('and is given no more than a frame of a few bytes at a time does not spin', () => {
    act = () => conn.pause();
    const { fd, transport } = accept('a\nb\n');
    const { turns } = harness.reactor.stats();
    transport.reads.push('more\n');
    harness.poller.fire([fd, Ready.readable]);
    harness.poller.settle();
    expect(harness.reactor.stats().turns - turns).toBeLessThan(4);
    expect(log).toEqual(['a']);
  });
});

describe('in the middle of a chunk', () => {
  test('a protocol that closes is told no further frame', () => {
    act = (line) => void (line === 'b' && conn.close());
    const { transport } = accept('a\nb\nc\n', 'd\n');
    expect(log).toEqual(['a', 'b']);
    transport.reads.push({ status: 'ended' });
    expect(transport.written).toHaveLength(0);
  });

  test('a protocol that destroys is told no further frame', () => {
    act = (line) => void (line === 'b' && conn.destroy(new Error('enough')));
    accept('a\nb\nc\n');
    expect(log).toEqual(['a', 'b', 'close error: enough']);
  });

  test('a protocol that ends its own side is told the rest', () => {
    act = (line) => void (line === 'b' && conn.end());
    accept('a\nb\nc\n', 'd\n', { status: 'ended' });
    expect(log).toEqual(['a', 'b', 'c', 'd', 'end', 'close clean']);
  });

  test('a protocol that throws is told no further frame, and its connection closes with what it threw', () => {
    act = (line) => {
      if (line === 'b') throw new Error('oh');
    };
    accept('a\nb\nc\n', 'd\n');
    expect(log).toEqual(['a', 'b', 'close error: oh']);
    expect(harness.errors).toEqual([new Error('oh')]);
  });

  test('what it throws and catches itself leaves nothing to be told', () => {
    const careful: Protocol<Line> = {
      ...protocol,
      onData(opened, chunk) {
        try {
          opened.state.read(opened, chunk, onLine);
        } catch {
          log.push(`caught, ${opened.state.takeRest().length} left`);
        }
      },
    };
    act = (line) => {
      if (line === 'b') throw new Error('oh');
    };
    return harness.listen(careful).then(() => {
      accept('a\nb\nc\nd', 'e\n', { status: 'ended' });
      expect(log).toEqual(['a', 'b', 'caught, 0 left', 'end']);
    });
  });

  test('a protocol that hands the connection on gives the next one the rest, and what comes after it', () => {
    const next = new Recorder();
    act = (line) => void (line === 'switch' && conn.become(next, conn.state.takeRest()));
    accept('a\nswitch\nb\nc', 'd\n');
    expect(log).toEqual(['a', 'switch']);
    expect(next.log).toEqual(['open', 'data b\nc', 'data d\n']);
  });

  test('it may give the frame back with the rest, for the next one to see', () => {
    const next = new Recorder();
    act = () => void conn.become(next, Buffer.concat([Buffer.from('a\n'), conn.state.takeRest()]));
    accept('a\nb\n');
    expect(next.log).toEqual(['open', 'data a\nb\n']);
  });

  test.for(['and nothing is behind it', 'and another is behind it'])(
    'a protocol that hands the connection on and forgets the rest is told so, %s',
    (behind) => {
      act = () => void conn.become(new Recorder());
      accept(behind.includes('another') ? 'a\nb\n' : 'a\n');
      const [error] = harness.errors;
      expect(error).toBeInstanceOf(UsageError);
      expect(error).toMatchObject({
        code: 'ERR_FRAME_REST',
        message:
          'The connection was handed on in the middle of a chunk, without what follows. Hand over takeRest(), too: ' +
          'conn.become(next, reader.takeRest()).',
      });
      expect(log).toEqual(['a']);
    },
  );

  test('a protocol that becomes itself anew begins with the rest', () => {
    act = (line) => void (line === 'reset' && conn.become(protocol, conn.state.takeRest()));
    accept('a\nreset\nb\nc\n');
    expect(log).toEqual(['a', 'reset', 'b', 'c']);
  });

  test('another reader may go on with the rest, in the same call', () => {
    const body = new FrameReader(lengthPrefixed({ header: 1, maxBytes: 9 }));
    let isBody = false;
    const mixed: Protocol<Line> = {
      ...protocol,
      onData(opened, chunk) {
        if (isBody) body.read(opened, chunk, onBody);
        else opened.state.read(opened, chunk, onLine);
      },
    };
    const onBody = (opened: Connection<Line>, frame: Buffer) => {
      log.push(`body ${frame.toString()}`);
      isBody = false;
      opened.state.read(opened, body.takeRest(), onLine);
    };
    act = (line) => {
      if (line !== 'body') return;
      isBody = true;
      body.read(conn, conn.state.takeRest(), onBody);
    };
    return harness.listen(mixed).then(() => {
      accept('a\nbody\n\x03abcb\nbody\n\x02x', 'yc\nd', '\n');
      expect(log).toEqual(['a', 'body', 'body abc', 'b', 'body', 'body xy', 'c', 'd']);
    });
  });
});

describe('bytes that are no frame', () => {
  const NARROW = lines({ maxBytes: 3 });

  test('destroy the connection, and are not reported: the peer sent them', async () => {
    await harness.listen({
      ...protocol,
      onOpen: (opened) => protocol.onOpen(opened) && new FrameReader(NARROW),
    });
    accept('abc\nabcd\ne\n');
    expect(log).toEqual([
      'abc',
      'close error: The peer sent a line of more than 3 bytes. Raise maxBytes if it may be that long.',
    ]);
    expect(harness.errors).toEqual([]);
  });

  test('may be answered before the connection closes, and nothing is told after them', async () => {
    const answered: FrameError[] = [];
    await harness.listen({
      ...protocol,
      onOpen: () => new FrameReader(NARROW),
      onData: (opened, chunk) =>
        opened.state.read(opened, chunk, onLine, (broken, error) => {
          answered.push(error);
          broken.end('500 too long\r\n');
        }),
    } satisfies Protocol<Line>);
    const { transport } = accept('abcd\ne\n', 'f\n', { status: 'ended' });
    expect(answered.map(({ code }) => code)).toEqual(['ERR_FRAME_TOO_LONG']);
    expect(String(transport.written)).toBe('500 too long\r\n');
    expect(log).toEqual(['end', 'close clean']);
  });
});

test('what the peer began and never finished is there when it ends', () => {
  const ended: Protocol<Line> = {
    ...protocol,
    onEnd(opened) {
      log.push(
        `${opened.state.unfinishedBytes} bytes`,
        opened.state.takeRest().toString(),
        `${opened.state.unfinishedBytes}`,
      );
    },
  };
  return harness.listen(ended).then(() => {
    accept('a\nlast ', 'words', { status: 'ended' });
    expect(log).toEqual(['a', '10 bytes', 'last words', '0']);
  });
});
