/** A client of WebSocket (RFC 6455) that sends just the bytes it is told to, right or wrong. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface WebSocketClient {
  readonly socket: Socket;
  send(...bytes: Uint8Array[]): Promise<void>;
  /** The next frame: its first byte in hex, and its payload as latin1. `gone` at the end. Nothing is read before. */
  next(): Promise<string>;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What asks for it; each of `fields` takes the place of a line. */
export function handshake(path: string, fields: Readonly<Record<string, string | undefined>> = {}): string {
  const lines = Object.entries({
    Host: 'a',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...fields,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]));
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A client that the server has let in. Its request and `early`, what it says at once, leave together. */
export async function webSocketClient(
  { host, port }: Place,
  path: string,
  early: Uint8Array = Buffer.alloc(0),
): Promise<WebSocketClient> {
  const socket = connect({ host, port, noDelay: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  socket.on('error', () => {});
  const send = (...bytes: Uint8Array[]) =>
    new Promise<void>((resolve) => socket.write(Buffer.concat(bytes), () => resolve()));
  await send(Buffer.from(handshake(path)), early);
  const frames = framesOf(socket);
  const { value: head } = await frames.next();
  if (!/^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/.test(head ?? ''))
    throw new Error(`not let in: ${head}`);
  return { socket, send, next: async () => (await frames.next()).value ?? 'gone' };
}

/** The head of the answer, and then frames. */
async function* framesOf(socket: Socket): AsyncGenerator<string, undefined> {
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let pieces: Buffer[] = [];
  let length = 0;
  /** Exactly so many bytes; undefined where the connection ends before. */
  const take = async (wanted: number): Promise<Buffer | undefined> => {
    while (length < wanted) {
      const { value, done } = await chunks.next().catch(() => ({ value: undefined, done: true }));
      if (done || value === undefined) return undefined;
      pieces.push(value);
      length += value.length;
    }
    const all = Buffer.concat(pieces);
    pieces = [all.subarray(wanted)];
    length -= wanted;
    return all.subarray(0, wanted);
  };
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    const byte = await take(1);
    if (byte === undefined) return undefined;
    head += byte.toString('latin1');
  }
  yield head;
  for (;;) {
    const start = await take(2);
    if (start === undefined) return undefined;
    const [first, size] = [start[0] as number, start[1] as number];
    const extra = await take(size === 126 ? 2 : size === 127 ? 8 : 0);
    if (extra === undefined) return undefined;
    const bytes = extra.length === 0 ? size : Number(`0x${extra.toString('hex')}`);
    const payload = await take(bytes);
    if (payload === undefined) return undefined;
    yield `${first.toString(16)} ${payload.toString('latin1')}`;
  }
}

export interface FrameWish {
  /** Default: the first and only frame of its message. */
  readonly isLast?: boolean;
  readonly isMasked?: boolean;
  /** Reserved bits, in their place. */
  readonly reserved?: number;
  /** The length as it is said: default is the shortest way to say the right one. */
  readonly length?: Uint8Array;
}

export function frame(opcode: number, payload: string | Uint8Array, wish: FrameWish = {}): Buffer {
  const { isLast = true, isMasked = true, reserved = 0 } = wish;
  const bytes = Buffer.from(payload);
  const length = Buffer.from(wish.length ?? lengthField(bytes.length));
  const first = (isLast ? 128 : 0) | reserved | opcode;
  if (!isMasked) return Buffer.concat([Buffer.of(first), length, bytes]);
  const mask = Buffer.of(0x37, 0xfa, 0x21, 0x3d);
  for (let n = 0; n < bytes.length; n += 1) bytes[n] = (bytes[n] as number) ^ (mask[n & 3] as number);
  length[0] = (length[0] as number) | 128;
  return Buffer.concat([Buffer.of(first), length, mask, bytes]);
}

function lengthField(length: number): Buffer {
  if (length < 126) return Buffer.of(length);
  if (length < 65_536) return Buffer.of(126, length >> 8, length & 255);
  const field = Buffer.alloc(9);
  field[0] = 127;
  field.writeUInt32BE(length, 5);
  return field;
}

/** A close frame. */
export function closing(code: number, reason: string | Uint8Array = ''): Buffer {
  return frame(8, Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(reason)]));
}
