/** The rules of a frame reader over the kernel's sockets, with everything sent at once and byte by byte. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Connection,
  createReactor,
  FrameReader,
  lines,
  type Protocol,
  type Reactor,
} from '../../src/index.ts';
import { Client } from '../support/client.ts';
import { openSockets } from '../support/descriptors.ts';

type Line = FrameReader<string>;

const LINES = lines({ maxBytes: 1_000, encoding: 'latin1' });

let before: ReturnType<typeof openSockets>;
let reactor: Reactor;
beforeEach(() => {
  before = openSockets();
  reactor = createReactor({ poisonReads: true });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 1_000 });
  expect(openSockets()).toEqual(before);
});

/** Answers every byte. */
const echo: Protocol = { onOpen: () => {}, onData: (conn, chunk) => void conn.write(chunk) };

function onLine(conn: Connection<Line>, line: string): void {
  LINES.write(conn, `<${line}>`);
  if (line === 'pause') {
    conn.pause();
    setImmediate(() => conn.resume());
  }
  if (line === 'echo') conn.become(echo, conn.state.takeRest());
  if (line === 'close') conn.close();
}

const talk: Protocol<Line> = {
  onOpen: () => new FrameReader(LINES),
  onData: (conn, chunk) => conn.state.read(conn, chunk, onLine),
};

describe.for(['at once', 'byte by byte'])('lines that come %s', (way) => {
  async function answerTo(script: string): Promise<string> {
    const client = await Client.to(await reactor.listen({ host: '127.0.0.1', port: 0 }, talk));
    client.socket.setNoDelay(true);
    if (way === 'at once') client.socket.write(script);
    // A segment each: a turn of the reactor lies between them.
    else for (const byte of script) await new Promise((sent) => client.socket.write(byte, sent));
    client.socket.end();
    const answer = String(await client.ended());
    await client.close();
    return answer;
  }

  test('wait for a protocol that pauses, all of them, and the end', async () => {
    const script = 'a\npause\nb\npause\npause\nc\r\n\n';
    const answer = script
      .split(/\r?\n/)
      .slice(0, -1)
      .map((line) => `<${line}>\r\n`);
    expect(await answerTo(script)).toBe(answer.join(''));
  });

  test('end where the next protocol begins', async () => {
    expect(await answerTo('a\necho\nas it is\nuntil the end')).toBe(
      '<a>\r\n<echo>\r\nas it is\nuntil the end',
    );
  });

  test('are not answered behind a close', async () => {
    expect(await answerTo('a\nclose\nb\nc\n')).toBe('<a>\r\n<close>\r\n');
  });
});

test('ten thousand lines in flight, with a pause after every one, are all answered in order', async () => {
  const counting: Protocol<Line> = {
    ...talk,
    onData: (conn, chunk) =>
      conn.state.read(conn, chunk, (opened, line) => {
        LINES.write(opened, line);
        opened.pause();
        queueMicrotask(() => opened.resume());
      }),
  };
  const client = await Client.to(await reactor.listen({ host: '127.0.0.1', port: 0 }, counting));
  const all = Array.from({ length: 10_000 }, (_, index) => `${index}\r\n`).join('');
  client.socket.end(all);
  expect(String(await client.ended())).toBe(all);
  await client.close();
});
