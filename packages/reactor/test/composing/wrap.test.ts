import { beforeEach, describe, expect, test } from 'vitest';
import { type Connection, FrameReader, lines, type Protocol, wrap } from '../../src/index.ts';
import { Harness } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});

function accept(...chunks: (string | { status: 'ended' })[]) {
  const accepted = harness.accept(({ reads }) => reads.push(...chunks));
  harness.poller.settle();
  return accepted;
}

/** Counts what each connection of a protocol gets, whatever that is, with a state of its own beside the other's. */
function counted<State>(inner: Protocol<State>, tell: (bytes: number) => void): Protocol<State> {
  const bytes = new WeakMap<Connection<State>, number>();
  return wrap(inner, (next) => ({
    onData(conn, chunk) {
      bytes.set(conn, (bytes.get(conn) ?? 0) + chunk.length);
      next.onData(conn, chunk);
    },
    onClose(conn, reason, cause) {
      tell(bytes.get(conn) ?? 0);
      next.onClose(conn, reason, cause);
    },
  }));
}

describe('a protocol around another', () => {
  test('sees what comes first, keeps the type of the state, and leaves every other hook to it', async () => {
    const inner = new Recorder();
    const counts: number[] = [];
    const recorded: Protocol<{ readonly opened: number }> = inner;
    const outer = counted(recorded, (bytes) => void counts.push(bytes));
    const typed: (conn: Connection<{ readonly opened: number }>) => { readonly opened: number } =
      outer.onOpen;
    expect(typed).toBeTypeOf('function');
    await harness.listen(outer);
    inner.ended = (conn) => conn.end();
    accept('abc', 'de', { status: 'ended' });
    accept('f', { status: 'ended' });
    expect(inner.log).toEqual([
      'open',
      'data abc',
      'data de',
      'end',
      'close clean',
      'open',
      'data f',
      'end',
      'close clean',
    ]);
    expect(inner.connections.map(({ state }) => state)).toEqual([{ opened: 1 }, { opened: 2 }]);
    expect(counts).toEqual([5, 1]);
  });

  test('may be wrapped again', async () => {
    const counts: string[] = [];
    const inner: Protocol = { onOpen: () => {} };
    await harness.listen(
      counted(
        counted(inner, (n) => void counts.push(`in ${n}`)),
        (n) => void counts.push(`out ${n}`),
      ),
    );
    accept('abc', { status: 'ended' });
    expect(counts).toEqual(['out 3', 'in 3']);
  });

  test('that looks for the end calls what the reactor does where the inner one has no hook', async () => {
    const log: string[] = [];
    const inner: Protocol = { onOpen: () => {} };
    await harness.listen(
      wrap(inner, (next) => ({
        onEnd(conn) {
          log.push('end');
          next.onEnd(conn);
        },
        onShutdown(conn) {
          log.push('shutdown');
          next.onShutdown(conn);
        },
        onTimeout(conn, which) {
          log.push(which);
          return next.onTimeout(conn, which);
        },
        onClose: (_conn, reason) => void log.push(reason),
      })),
    );
    accept({ status: 'ended' });
    expect(log.splice(0)).toEqual(['end', 'clean']);
    accept();
    harness.clock.advance(120_000);
    harness.poller.settle();
    expect(log.splice(0)).toEqual(['first-byte', 'timeout']);
    accept();
    void harness.reactor.shutdown({ deadlineMs: 1_000 });
    harness.letListenerClose();
    expect(log[0]).toBe('shutdown');
  });

  test('has no hook that neither of them has', () => {
    const wrapped = wrap({ onOpen: () => {} }, () => ({ onDrain: () => {} }));
    expect(Object.keys(wrapped)).toEqual(['onOpen', 'onDrain']);
  });

  test('announces what the inner one does', () => {
    const inner: Protocol = { alpn: ['x/1'], earlyData: true, onOpen: () => {} };
    expect(wrap(inner, () => ({}))).toMatchObject({ alpn: ['x/1'], earlyData: true });
  });
});

test('a protocol that asks who is there first becomes the inner one, which has its own state and every byte', async () => {
  const LINES = lines({ maxBytes: 100, encoding: 'utf8' });
  const refused: string[] = [];

  /** One line of a password, then `inner`. */
  function authenticated<State>(password: string, inner: Protocol<State>): Protocol<FrameReader<string>> {
    return {
      onOpen: () => new FrameReader(LINES),
      onData: (conn, chunk) => conn.state.read(conn, chunk, onLine),
      onClose: (_conn, reason) => void refused.push(reason),
    };
    function onLine(conn: Connection<FrameReader<string>>, line: string): void {
      if (line === password) conn.become(inner, conn.state.takeRest());
      else conn.end('no\r\n');
    }
  }

  const inner = new Recorder();
  await harness.listen(authenticated('sesame', inner));
  accept('ses', 'ame\r\nhel', 'lo');
  expect(inner.log).toEqual(['open', 'data hel', 'data lo']);
  expect(inner.conn.state).toEqual({ opened: 1 });
  const { transport } = accept('guess\r\n', { status: 'ended' });
  expect([String(transport.written), refused]).toEqual(['no\r\n', ['clean']]);
});
