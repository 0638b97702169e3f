import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Connection,
  type Protocol,
  SniffError,
  type SniffOptions,
  sniff,
  startsWith,
  UsageError,
} from '../../src/index.ts';
import { Harness } from '../../src/testing/index.ts';
import { Recorder } from '../recorder.ts';

let harness: Harness;
let web: Recorder;
let own: Recorder;
/** What was shown to the one who chooses. */
let shown: string[];
const closed: (Error | undefined)[] = [];

beforeEach(() => {
  harness = new Harness();
  web = new Recorder();
  own = new Recorder();
  shown = [];
  closed.length = 0;
});

async function listen(options: SniffOptions = {}): Promise<void> {
  const protocol = sniff((head) => {
    shown.push(head.toString('latin1'));
    if (startsWith(head, 'GET ', 'POST ') === true) return web;
    return startsWith(head, 'HELO') === true ? own : undefined;
  }, options);
  await harness.listen({ ...protocol, onClose: (_conn, _reason, cause) => void closed.push(cause) });
}

function accept(...chunks: (string | { status: 'ended' })[]) {
  const accepted = harness.accept(({ reads }) => reads.push(...chunks));
  harness.poller.settle();
  return accepted;
}

describe('several protocols on one port', () => {
  test('are told apart by the first bytes, of which the chosen one misses none', async () => {
    await listen();
    accept('GET / HTTP/1.1\r\n', 'Host: a\r\n');
    accept('HELO me\r\n');
    expect(web.log).toEqual(['open', 'data GET / HTTP/1.1\r\n', 'data Host: a\r\n']);
    expect(own.log).toEqual(['open', 'data HELO me\r\n']);
  });

  test('are told apart as well when the bytes come one by one', async () => {
    await listen();
    accept(...'POST /', { status: 'ended' });
    expect(shown).toEqual(['P', 'PO', 'POS', 'POST', 'POST ']);
    expect(web.log).toEqual(['open', 'data POST ', 'data /', 'end']);
  });

  test('may be several connections at once, none of which sees bytes of another', async () => {
    await listen();
    const first = accept('HE');
    const second = accept('GE');
    first.transport.reads.push('LO 1');
    second.transport.reads.push('T / 2');
    harness.poller.fire([first.fd, 1], [second.fd, 1]);
    harness.poller.settle();
    expect([own.log[1], web.log[1]]).toEqual(['data HELO 1', 'data GET / 2']);
  });
});

describe('a peer that speaks no known protocol', () => {
  test('is cut off when as many bytes have come as are looked at, and sees no more', async () => {
    await listen({ maxBytes: 8 });
    accept('1234567');
    expect(closed).toEqual([]);
    accept('12345678');
    expect(closed[0]).toBeInstanceOf(SniffError);
    expect(closed[0]).toMatchObject({
      code: 'ERR_SNIFF',
      message:
        'Nobody wants this connection: its first 8 bytes are of no known protocol. Give sniff() a protocol for such peers (otherwise).',
    });
    expect(harness.errors).toEqual([]);
  });

  test('is shown no further than that, and gets the other protocol if there is one, with all its bytes', async () => {
    await listen({ maxBytes: 8, otherwise: own });
    accept('123456789');
    expect(shown).toEqual(['12345678']);
    expect(own.log).toEqual(['open', 'data 123456789']);
  });

  test('that ends before it is known is cut off', async () => {
    await listen();
    accept('GE', { status: 'ended' });
    expect(closed[0]).toBeInstanceOf(SniffError);
    expect(closed[0]?.message).toContain('its peer ended after 2 bytes');
  });

  test('that ends before it is known is the other protocol’s, the end included', async () => {
    await listen({ otherwise: own });
    // The end is read anew for whoever takes over, as a socket answers it.
    accept('GE', { status: 'ended' }, { status: 'ended' });
    expect(own.log).toEqual(['open', 'data GE', 'end']);
  });

  test('that says nothing and ends is closed in order', async () => {
    await listen();
    accept({ status: 'ended' });
    expect(closed).toEqual([undefined]);
  });
});

describe('a peer that waits for the server to speak', () => {
  test('gets the other protocol after waitMs, with what it had sent, and that has its own deadlines', async () => {
    await listen({ otherwise: own, waitMs: 200 });
    own.opened = (conn) => conn.setDeadline(1_000);
    accept('GE');
    harness.clock.advance(199);
    harness.poller.settle();
    expect(own.log).toEqual([]);
    harness.clock.advance(50);
    harness.poller.settle();
    expect(own.log).toEqual(['open', 'data GE']);
    harness.clock.advance(2_000);
    harness.poller.settle();
    expect(own.log[2]).toMatch(
      /^close timeout: The peer did not do what the protocol waited for within 1000 ms/,
    );
  });

  test('is cut off then, where there is no other', async () => {
    await listen({ waitMs: 200 });
    accept('GE');
    harness.clock.advance(400);
    harness.poller.settle();
    expect(closed[0]).toMatchObject({ code: 'ERR_PROTOCOL_TIMEOUT' });
  });

  test('that was chosen in time is never cut by it', async () => {
    await listen({ waitMs: 200 });
    accept('GET /');
    harness.clock.advance(2_000);
    harness.poller.settle();
    expect(web.log).toEqual(['open', 'data GET /']);
  });
});

describe('who chooses', () => {
  test('may close the connection itself', async () => {
    await harness.listen(sniff((_head, conn) => void conn.destroy(), { maxBytes: 1 }));
    const { transport } = accept('abc');
    expect(transport.closed).toBe(true);
    expect(harness.errors).toEqual([]);
  });

  test('and throws costs the connection', async () => {
    await harness.listen(
      sniff(() => {
        throw new Error('undecided');
      }),
    );
    const { transport } = accept('abc');
    expect(transport.closed).toBe(true);
    expect(harness.errors).toEqual([new Error('undecided')]);
  });

  test.for<[unknown, object, string, string]>([
    [undefined, {}, 'ERR_OPTION_VALUE', 'sniff needs a function that chooses a protocol.'],
    [
      () => undefined,
      { maxBytes: 0 },
      'ERR_OPTION_VALUE',
      'maxBytes must be an integer from 1 to 65536, not 0.',
    ],
    [
      () => undefined,
      { maxbytes: 1 },
      'ERR_UNKNOWN_OPTION',
      "sniff has no option 'maxbytes'. Did you mean 'maxBytes'?",
    ],
  ])('is checked with the options: %#', ([choose, options, code, message]) => {
    const make = () => sniff(choose as never, options as SniffOptions);
    expect(make).toThrowError(UsageError);
    expect(make).toThrowError(expect.objectContaining({ code, message }));
  });
});

test.for([
  ['GE', undefined],
  ['GET', true],
  ['GETS', true],
  ['P', undefined],
  ['PA', false],
  ['', undefined],
  ['get', false],
] as const)('"%s" begins with GET or PUT: %s', ([head, answer]) => {
  expect(startsWith(Buffer.from(head), 'GET', Buffer.from('PUT'))).toBe(answer);
});

test('protocols of different states go together without a cast', () => {
  const counter: Protocol<{ count: number }> = { onOpen: () => ({ count: 0 }) };
  const naming: Protocol<string> = { onOpen: (conn: Connection) => `${conn.id}` };
  expect(sniff((head) => (head[0] === 1 ? counter : naming), { otherwise: counter })).toBeTypeOf('object');
});
