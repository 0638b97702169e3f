import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { createReactor, type Protocol } from '../src/index.ts';
import { Harness } from '../src/testing/harness.ts';

let harness: Harness;
let log: string[];

beforeEach(() => {
  harness = new Harness();
  log = [];
});

/** Writes down who got which connection, with a state that only it makes. */
function speaker(name: string, alpn?: readonly string[]): Protocol<string> {
  return {
    ...(alpn === undefined ? {} : { alpn }),
    onOpen: (conn) => {
      log.push(`${name} speaks ${conn.transport.applicationProtocol}`);
      return `state of ${name}`;
    },
    onData: (conn, chunk) => void log.push(`${name} hears ${chunk} in the ${conn.state}`),
    onClose: () => void log.push(`${name} hears the end`),
  };
}

function accept(applicationProtocol: string | undefined) {
  return harness.accept((script) => {
    script.applicationProtocol = applicationProtocol;
    script.reads.push('hello', { status: 'ended' });
  });
}

describe('of several protocols', () => {
  test('a connection speaks the one that announces what was negotiated', async () => {
    await harness.listen([speaker('first', ['a', 'b']), speaker('second', ['c'])]);
    expect(harness.offeredAlpn).toEqual(['a', 'b', 'c']);
    accept('c');
    accept('b');
    expect(log).toEqual([
      'second speaks c',
      'second hears hello in the state of second',
      'second hears the end',
      'first speaks b',
      'first hears hello in the state of first',
      'first hears the end',
    ]);
  });

  test('the first serves whoever negotiated nothing, whether it announces anything or not', async () => {
    await harness.listen([speaker('first'), speaker('second', ['c'])]);
    expect(harness.offeredAlpn).toEqual(['c']);
    accept(undefined);
    expect(log[0]).toBe('first speaks undefined');
  });

  test('none serves what only the transport was configured for: the listener hears of it', async () => {
    await harness.listen([speaker('first', ['a']), speaker('second', ['c'])]);
    const { transport } = accept('x');
    expect(transport.closed).toBe(true);
    expect(log).toEqual([]);
    expect(harness.refused).toEqual([
      {
        reason: 'error',
        error: expect.objectContaining({
          name: 'UsageError',
          code: 'ERR_APPLICATION_PROTOCOL',
          message: expect.stringContaining(
            "'x' was negotiated and no protocol that was given has it in alpn",
          ),
        }),
      },
    ]);
  });

  test.each<[string, Protocol<unknown>[], RegExp]>([
    ['none at all', [], /the list is empty/],
    ['what has no onOpen', [{ onData() {} } as never], /an object with the hook onOpen/],
    ['nothing in the place of one', [speaker('first'), null as never], /an object with the hook onOpen/],
    [
      'one that nobody could ask for',
      [speaker('first'), speaker('second')],
      /Protocol 2 of the list has no alpn/,
    ],
    ['a name that two announce', [speaker('first', ['a']), speaker('second', ['a'])], /'a' is in alpn twice/],
  ])('%s is refused before anything listens', async (_title, protocols, message) => {
    const refusal = expect(harness.listen(protocols)).rejects;
    await refusal.toThrow(message);
    await refusal.toMatchObject({ name: 'UsageError', code: 'ERR_OPTION_VALUE' });
    expect(harness.poller.registered.size).toBe(0);
  });
});

describe('a single protocol', () => {
  test('gets every connection, whatever the transport was configured to negotiate', async () => {
    await harness.listen(speaker('only', ['a']));
    expect(harness.offeredAlpn).toEqual(['a']);
    accept('x');
    expect(log[0]).toBe('only speaks x');
  });

  test('that announces nothing leaves the transport as it is', async () => {
    await harness.listen(speaker('only'));
    expect(harness.offeredAlpn).toBeUndefined();
  });
});

test('protocols of different states may stand in one list', async () => {
  const counting: Protocol<{ count: number }> = { alpn: ['n'], onOpen: () => ({ count: 0 }) };
  const server = await harness.listen([speaker('first', ['a']), counting]);
  expect(server.connections).toBe(0);
});

test('connect takes protocols of different states: that of its connection is one of them', async () => {
  const counting: Protocol<{ count: number }> = { alpn: ['n'], onOpen: () => ({ count: 0 }) };
  await using reactor = createReactor();
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, { onOpen: () => {} });
  const port = server.address()?.port ?? 0;
  const conn = await reactor.connect({ host: '127.0.0.1', port }, [speaker('first', ['a']), counting]);
  expectTypeOf(conn.state).toEqualTypeOf<string | { count: number }>();
  expect(conn.state).toBe('state of first');
  const alike = await reactor.connect({ host: '127.0.0.1', port }, [counting] as Protocol<{
    count: number;
  }>[]);
  expectTypeOf(alike.state).toEqualTypeOf<{ count: number }>();
  expect(alike.state).toEqual({ count: 0 });
});
