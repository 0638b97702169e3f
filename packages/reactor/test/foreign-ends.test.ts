/** How connections end, seen by a client that is not Node: nothing of Node's streams is between the test and the wire. */
import { createHash, randomBytes } from 'node:crypto';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CloseReason, createReactor, type Protocol, type Reactor } from '../src/index.ts';
import { openSockets } from './support/descriptors.ts';

const MEBIBYTE = 1024 * 1024;

/** What every client does last: reads to the end, and tells how that was. */
const READ_ALL = `
  use Socket; use Digest::SHA;
  my $peer;
  sub reach { socket($peer, PF_INET, SOCK_STREAM, 0) or die; connect($peer, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die; }
  sub send_all { my $all = shift; for (my $at = 0; $at < length $all;) { $at += syswrite($peer, $all, length($all) - $at, $at) // die "send: $!"; } }
  sub read_all {
    my ($bytes, $sha) = (0, Digest::SHA->new(256));
    while (1) {
      my $count = sysread($peer, my $piece, 65536);
      if (!defined $count) { print "$bytes bytes, then $!\\n"; return; }
      last if $count == 0;
      $bytes += $count; $sha->add($piece);
    }
    print "$bytes bytes ", $sha->hexdigest, "\\n";
  }
`;

const HALF_CLOSES = `${READ_ALL} reach(); send_all("question"); shutdown($peer, 1) or die; read_all();`;
/** Sends more than anybody will read, before it reads anything itself. */
const SENDS_TOO_MUCH = `${READ_ALL} reach(); send_all("x" x ${4 * MEBIBYTE}); read_all();`;
/** The same, and its own end first. */
const SENDS_TOO_MUCH_AND_ENDS = `${READ_ALL} reach(); send_all("x" x ${4 * MEBIBYTE}); shutdown($peer, 1) or die; read_all();`;

let before: string[];
let reactor: Reactor;
let reasons: CloseReason[];
const errors: Error[] = [];

beforeEach((context) => {
  needsTool(context, 'perl');
  before = openSockets();
  reasons = [];
  errors.length = 0;
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(openSockets()).toEqual(before);
  expect(errors).toEqual([]);
});

/** What the client has to say when all of `answer` came and then the end. */
function whole(answer: Buffer): string {
  return `${answer.length} bytes ${createHash('sha256').update(answer).digest('hex')}\n`;
}

/** Runs `script` against `protocol` and answers what it said. */
async function talk<State>(protocol: Protocol<State>, script: string): Promise<string> {
  let closed = () => {};
  const over = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const onClose = (_conn: unknown, reason: CloseReason) => {
    reasons.push(reason);
    closed();
  };
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, { ...protocol, onClose });
  const client = startTool('perl', ['-e', script, `${server.address()!.port}`]);
  let said = '';
  client.child.stdout.on('data', (text) => {
    said += String(text);
  });
  const { code, stderr } = await client.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await over;
  return said;
}

describe('P25 a client that ends its side after the question', () => {
  const answer = randomBytes(64 * MEBIBYTE);

  test('gets all 64 MiB of an answer that is written at once', async () => {
    const protocol: Protocol = { onOpen: () => {}, onEnd: (conn) => conn.end(answer) };
    // The whole answer is queued: exactly what the cap allows for.
    expect(await talk(protocol, HALF_CLOSES)).toBe(whole(answer));
    expect(reasons).toEqual(['clean']);
  });

  test('gets all 64 MiB of one that is written piece by piece, begun before the end was seen', async () => {
    const protocol: Protocol<{ at: number }> = {
      onOpen: () => ({ at: 0 }),
      onData: (conn) => protocol.onDrain?.(conn),
      onDrain(conn) {
        for (let flowing = true; flowing && conn.state.at < answer.length; ) {
          const piece = answer.subarray(conn.state.at, conn.state.at + 100_000);
          conn.state.at += piece.length;
          flowing = conn.write(piece);
        }
        if (conn.state.at === answer.length) conn.end();
      },
      onEnd: () => {},
    };
    expect(await talk(protocol, HALF_CLOSES)).toBe(whole(answer));
    expect(reasons).toEqual(['clean']);
  });
});

describe('P25 close() with input that nobody has read', () => {
  const answer = randomBytes(2 * MEBIBYTE);

  test.each([
    ['in the first onData', SENDS_TOO_MUCH],
    ['and the client ends its side too', SENDS_TOO_MUCH_AND_ENDS],
  ])('the client gets the last byte, and the end instead of a reset: %s', async (_when, script) => {
    const protocol: Protocol = {
      onOpen: () => {},
      onData(conn) {
        conn.write(answer);
        conn.close();
      },
    };
    expect(await talk(protocol, script)).toBe(whole(answer));
    expect(reasons).toEqual(['clean']);
  });

  test('while it is paused: what waits in the kernel is taken and dropped', async () => {
    const protocol: Protocol = {
      onOpen(conn) {
        conn.pause();
        conn.write(answer);
        conn.close();
      },
    };
    expect(await talk(protocol, SENDS_TOO_MUCH)).toBe(whole(answer));
    expect(reasons).toEqual(['clean']);
  });
});
