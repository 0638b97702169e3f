/** `websocket` as clients see it that keep to RFC 6455 in every detail, and as those do that do not. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startServer } from './support/server.ts';
import { closing, frame, handshake, type Place, webSocketClient } from './support/websocket-client.ts';

const MEBIBYTE = 1024 * 1024;
const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];
/** As text of latin1, which `next()` answers. */
const latin1 = (text: string) => Buffer.from(text).toString('latin1');
/** As the close frame of the server is answered by `next()`. */
const closed = (code: number) => `88 ${String.fromCharCode(code >> 8, code & 255)}`;
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, n) => n);
const first = { isLast: false };

/** The whole answer to a request that is no handshake, and then the end. */
async function answerTo({ host, port }: Place, request: string): Promise<string> {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  socket.end(request);
  return (await socket.setEncoding('latin1').toArray()).join('');
}

/** What is sent to `/echo`, and what comes back. A connection that the server does not end, the client does. */
const EXCHANGES: readonly (readonly [what: string, sent: Uint8Array[], answers: string[]])[] = [
  ['an empty text', [frame(TEXT, '')], ['81 ']],
  ['125 bytes', [frame(TEXT, 'x'.repeat(125))], [`81 ${'x'.repeat(125)}`]],
  ['126 bytes', [frame(BINARY, 'x'.repeat(126))], [`82 ${'x'.repeat(126)}`]],
  ['65,535 bytes', [frame(BINARY, 'x'.repeat(65_535))], [`82 ${'x'.repeat(65_535)}`]],
  ['65,536 bytes', [frame(BINARY, 'x'.repeat(65_536))], [`82 ${'x'.repeat(65_536)}`]],
  ['all bytes', [frame(BINARY, ALL_BYTES)], [`82 ${Buffer.from(ALL_BYTES).toString('latin1')}`]],
  ['a ping', [frame(PING, 'are you there?')], ['8a are you there?']],
  ['an empty ping', [frame(PING, '')], ['8a ']],
  ['a ping of 125 bytes', [frame(PING, Buffer.alloc(125, 0xfe))], [`8a ${'\xfe'.repeat(125)}`]],
  ['a ping of 126 bytes', [frame(PING, Buffer.alloc(126))], [closed(1002)]],
  ['a pong that nobody asked for', [frame(PONG, 'yes'), frame(PING, 'x')], ['8a x']],
  [
    'ten pings',
    Array.from({ length: 10 }, (_, n) => frame(PING, `${n}`)),
    Array.from({ length: 10 }, (_, n) => `8a ${n}`),
  ],
  ['a reserved bit', [frame(TEXT, 'x', { reserved: 0x40 })], [closed(1002)]],
  ['another reserved bit', [frame(PING, '', { reserved: 0x10 })], [closed(1002)]],
  ...([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
    .map(
      (opcode) =>
        [
          `the reserved opcode ${opcode}`,
          [frame(TEXT, 'a'), frame(opcode, ''), frame(PING, '')],
          ['81 a', closed(1002)],
        ] as const,
    )
    .map(([what, sent, answers]) => [what, [...sent], [...answers]] as const) as [
    string,
    Uint8Array[],
    string[],
  ][]),
  ['no mask', [frame(TEXT, 'x', { isMasked: false })], [closed(1002)]],
  ['a message of two frames', [frame(TEXT, 'a', first), frame(CONTINUATION, 'b')], ['81 ab']],
  [
    'a message of empty frames',
    [frame(TEXT, '', first), frame(CONTINUATION, '', first), frame(CONTINUATION, '')],
    ['81 '],
  ],
  [
    'pings between the frames of a message',
    [
      frame(BINARY, 'a', first),
      frame(PING, '1'),
      frame(CONTINUATION, 'b', first),
      frame(PING, '2'),
      frame(CONTINUATION, 'c'),
    ],
    ['8a 1', '8a 2', '82 abc'],
  ],
  [
    'a message of a thousand frames',
    [
      frame(TEXT, '', first),
      ...Array.from({ length: 1_000 }, () => frame(CONTINUATION, 'x', first)),
      frame(CONTINUATION, ''),
    ],
    [`81 ${'x'.repeat(1_000)}`],
  ],
  ['a ping of two frames', [frame(PING, 'a', first), frame(CONTINUATION, 'b')], [closed(1002)]],
  ['a continuation of nothing', [frame(CONTINUATION, 'a')], [closed(1002)]],
  [
    'a continuation of nothing, and more',
    [frame(CONTINUATION, 'a', first), frame(TEXT, 'b')],
    [closed(1002)],
  ],
  ['a message within another one', [frame(TEXT, 'a', first), frame(TEXT, 'b')], [closed(1002)]],
  ['UTF-8', [frame(TEXT, 'κόσμε 𝄞')], [`81 ${latin1('κόσμε 𝄞')}`]],
  [
    'a character that two frames share',
    [frame(TEXT, Buffer.from('κ').subarray(0, 1), first), frame(CONTINUATION, Buffer.from('κ').subarray(1))],
    [`81 ${latin1('κ')}`],
  ],
  ['a surrogate as UTF-8', [frame(TEXT, Buffer.of(0xed, 0xa0, 0x80))], [closed(1007)]],
  ['an overlong form', [frame(TEXT, Buffer.of(0xc0, 0xaf))], [closed(1007)]],
  ['half a character', [frame(TEXT, Buffer.from('κ').subarray(0, 1))], [closed(1007)]],
  ['no UTF-8, as bytes', [frame(BINARY, Buffer.of(0xc0, 0xaf))], ['82 \xc0\xaf']],
  ['the largest message', [frame(BINARY, Buffer.alloc(MEBIBYTE, 'x'))], [`82 ${'x'.repeat(MEBIBYTE)}`]],
  [
    'a frame that is too large',
    [frame(BINARY, '', { length: Buffer.of(127, 0, 0, 0, 0, 0, 16, 0, 1) })],
    [closed(1009)],
  ],
  [
    'a length of 2^32',
    [frame(BINARY, '', { length: Buffer.of(127, 0, 0, 0, 1, 0, 0, 0, 0) })],
    [closed(1009)],
  ],
  [
    'a length of 64 bits',
    [frame(BINARY, '', { length: Buffer.of(127, 255, 255, 255, 255, 255, 255, 255, 255) })],
    [closed(1009)],
  ],
  [
    'frames that are too large together',
    [frame(BINARY, Buffer.alloc(MEBIBYTE), first), frame(CONTINUATION, 'x')],
    [closed(1009)],
  ],
  ['an empty close', [frame(CLOSE, ''), frame(TEXT, 'too late')], ['88 ']],
  ['a close with a reason', [closing(1000, 'bye')], [closed(1000)]],
  ['a close with a reason of 123 bytes', [closing(1000, 'x'.repeat(123))], [closed(1000)]],
  ['a close of one byte', [frame(CLOSE, 'x')], [closed(1002)]],
  ['a close whose reason is no UTF-8', [closing(1000, Buffer.of(0xff))], [closed(1007)]],
  ['a close after half a message', [frame(TEXT, 'a', first), closing(1001)], [closed(1001)]],
  ...[1000, 1003, 1007, 1011, 1014, 3000, 4999].map(
    (code) => [`the code ${code}`, [closing(code)], [closed(code)]] as [string, Uint8Array[], string[]],
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map(
    (code) => [`the code ${code}`, [closing(code)], [closed(1002)]] as [string, Uint8Array[], string[]],
  ),
];

describe('the WebSocket server', () => {
  it.for([1, 3, 4096, 1_000_000])(
    'answers as RFC 6455 has it, to what comes in pieces of %i bytes',
    async (size) => {
      const server = await startServer('websocket');
      for (const [what, sent, answers] of EXCHANGES) {
        const client = await webSocketClient(server, '/echo');
        const bytes = Buffer.concat(sent);
        // A long one in single bytes takes too long, and says nothing that a short one does not.
        const step = bytes.length > 10_000 ? Math.max(size, 5_000) : size;
        for (let at = 0; at < bytes.length; at += step) await client.send(bytes.subarray(at, at + step));
        for (const expected of answers) {
          const answer = await client.next();
          expect([what, answer.length, answer.slice(0, 200)]).toEqual([
            what,
            expected.length,
            expected.slice(0, 200),
          ]);
          expect(answer === expected).toBe(true);
        }
        if (answers.at(-1)?.startsWith('88') !== true) client.socket.end();
        expect([what, await client.next()]).toEqual([what, 'gone']);
        client.socket.destroy();
      }
      const { code, stderr } = await server.stop();
      // A peer's fault is no error of ours.
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^drained \d+ connections, cut 0\n$/)]);
    },
  );

  it('takes frames that come right behind the handshake', async () => {
    const server = await startServer('websocket');
    const client = await webSocketClient(
      server,
      '/echo',
      Buffer.concat([frame(TEXT, 'early'), frame(PING, 'x')]),
    );
    expect([await client.next(), await client.next()]).toEqual(['81 early', '8a x']);
  });

  it('answers requests that are no handshake', async () => {
    const server = await startServer('websocket');
    const asked: [string, RegExp][] = [
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 200 [\s\S]*new WebSocket/],
      ['GET /echo HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1\.1 200 /],
      [
        handshake('/echo', { 'Sec-WebSocket-Version': '8' }),
        /^HTTP\/1\.1 426 [\s\S]*Sec-WebSocket-Version: 13\r\n/,
      ],
      [handshake('/echo', { 'Sec-WebSocket-Version': undefined }), /^HTTP\/1\.1 426 /],
      [handshake('/echo', { 'Sec-WebSocket-Key': undefined }), /^HTTP\/1\.1 400 /],
      [handshake('/echo', { 'Sec-WebSocket-Key': 'short' }), /^HTTP\/1\.1 400 /],
      [handshake('/echo').replace('GET', 'POST'), /^HTTP\/1\.1 400 /],
      [handshake('/echo', { Upgrade: 'other' }), /^HTTP\/1\.1 200 /],
      [handshake('/echo', { Connection: 'close' }), /^HTTP\/1\.1 200 /],
    ];
    for (const [request, answer] of asked) expect(await answerTo(server, request)).toMatch(answer);
  });

  it('lets everybody in the chat hear everybody, and nobody else', async () => {
    const server = await startServer('websocket');
    const [one, two, outside] = [
      await webSocketClient(server, '/chat'),
      await webSocketClient(server, '/chat'),
      await webSocketClient(server, '/echo'),
    ];
    await one.send(frame(TEXT, 'hello'));
    expect([await one.next(), await two.next()]).toEqual(['81 hello', '81 hello']);
    await two.send(closing(1000));
    expect([await two.next(), await two.next()]).toEqual([closed(1000), 'gone']);
    await one.send(frame(BINARY, 'alone'));
    expect(await one.next()).toBe('82 alone');
    await outside.send(frame(TEXT, 'outside'));
    expect(await outside.next()).toBe('81 outside');
  });

  it('tells everybody that it goes', async () => {
    const server = await startServer('websocket');
    const client = await webSocketClient(server, '/chat');
    const stopped = server.stop();
    expect([await client.next(), await client.next()]).toEqual([closed(1001), 'gone']);
    client.socket.destroy();
    expect(await stopped).toMatchObject({ code: 0, signal: null });
  });

  it('asks who says nothing whether it is there, and leaves who does not answer', async () => {
    const server = await startServer('websocket', ['--idle-ms', '300']);
    const client = await webSocketClient(server, '/echo');
    for (let round = 0; round < 3; round += 1) {
      expect(await client.next()).toBe('89 ');
      await client.send(frame(PONG, ''));
    }
    expect([await client.next(), await client.next()]).toEqual(['89 ', 'gone']);
  });
});

describe('a client of the WebSocket server that does not read', () => {
  const long = Buffer.alloc(MEBIBYTE, 'x');

  it('is not read from, and loses nothing by it', async () => {
    const server = await startServer('websocket');
    const client = await webSocketClient(server, '/echo');
    const COUNT = 64;
    let written = 0;
    for (let n = 0; n < COUNT; n += 1) client.socket.write(frame(BINARY, long), () => (written += 1));
    // Others are served as if nothing were. After so many turns of theirs all would have been taken, were there no end to it.
    const other = await webSocketClient(server, '/echo');
    for (let n = 0; n < 500; n += 1) {
      await other.send(frame(PING, ''));
      await other.next();
    }
    expect(written).toBeLessThan(COUNT);
    for (let n = 0; n < COUNT; n += 1) expect((await client.next()).length).toBe('82 '.length + MEBIBYTE);
    expect(written).toBe(COUNT);
  });

  it('misses what others say in the chat, and does not hold them up', async () => {
    const server = await startServer('websocket');
    const [slow, speaker] = [await webSocketClient(server, '/chat'), await webSocketClient(server, '/chat')];
    const COUNT = 64;
    for (let n = 0; n < COUNT; n += 1) {
      await speaker.send(frame(BINARY, long));
      expect((await speaker.next()).length).toBe('82 '.length + MEBIBYTE);
    }
    let heard = 0;
    await slow.send(frame(PING, 'end'));
    while ((await slow.next()) !== '8a end') heard += 1;
    expect(heard).toBeGreaterThan(0);
    expect(heard).toBeLessThan(COUNT / 2);
    await speaker.send(frame(TEXT, 'and on'));
    expect([await slow.next(), await speaker.next()]).toEqual(['81 and on', '81 and on']);
  });
});
