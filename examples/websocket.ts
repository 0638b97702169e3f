/**
 * WebSocket (RFC 6455) by HTTP upgrade: `/echo` says every message back, `/chat` says it to everybody there.
 *
 *   npm run example -- websocket --port 8080        then open http://127.0.0.1:8080/ in two windows
 *
 * Pages of any site may talk to it: a server of anything private looks at `Origin` before it upgrades.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import type { Framing, Protocol } from '@sluice/reactor';
import { type Connection, createReactor, FrameError, FrameReader } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';

// 1. Frames (section 5.2): an opcode, a length of one, three or nine bytes, a mask of four, and the payload.

const MAX_MESSAGE_BYTES = 1024 * 1024;
const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];
const OPCODES = [0, TEXT, 2, CLOSE, PING, PONG];
const NOTHING: Buffer = Buffer.alloc(0);

interface Frame {
  readonly isLast: boolean;
  readonly opcode: number;
  /** Unmasked: a copy. */
  readonly payload: Buffer;
}

const FRAMES: Framing<Frame> = {
  find(bytes, start) {
    const first = bytes[start] as number;
    const isControl = first % 16 >= CLOSE;
    if (first & 0x70 || !OPCODES.includes(first % 16) || (isControl && first < 128)) throw broken('no frame');
    const second = bytes[start + 1];
    if (second === undefined) return -1;
    if (second < 128 || (isControl && second > 128 + 125)) throw broken('no mask, or too much in control');
    const at = start + 2 + extraBytes(second);
    if (at > bytes.length) return bytes.length - at;
    const length =
      second < 254 ? second - 128 : second === 254 ? bytes.readUInt16BE(at - 2) : readLong(bytes, at);
    if (length > MAX_MESSAGE_BYTES)
      throw new FrameError('ERR_FRAME_TOO_LONG', 'The peer says too much at once.');
    const end = at + 4 + length;
    return end > bytes.length ? bytes.length - end : end;
  },
  frame(bytes, start, end) {
    const first = bytes[start] as number;
    const at = start + 6 + extraBytes(bytes[start + 1] as number);
    const payload = Buffer.from(bytes.subarray(at, end));
    for (let n = 0; n < payload.length; n += 1)
      payload[n] = (payload[n] as number) ^ (bytes[at - 4 + (n & 3)] as number);
    return { isLast: first > 127, opcode: first % 16, payload };
  },
};

/** Of the length, behind the second byte, which says so. */
const extraBytes = (second: number) => ({ 126: 2, 127: 8 })[second & 127] ?? 0;
const readLong = (bytes: Buffer, end: number) =>
  bytes.readUInt32BE(end - 8) * 2 ** 32 + bytes.readUInt32BE(end - 4);
const broken = (what: string) => new FrameError('ERR_FRAME_HEADER', `The peer sent ${what}.`);

/** A server masks nothing. */
function send(conn: Client, opcode: number, payload: Buffer): void {
  const { length } = payload;
  const head = Buffer.alloc(10);
  head[0] = 128 + opcode;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head[1] === 126) head.writeUInt16BE(length, 2);
  else head.writeUInt32BE(length, 6);
  conn.write(head.subarray(0, 2 + extraBytes(head[1])));
  // A long one is in memory once, however many wait for it.
  if (length > 4096) conn.writeShared(payload);
  else conn.write(payload);
}

// 2. Messages, of one frame or more (section 5.4), and what may come between those.

type Client = Connection<Session>;

class Session {
  readonly reader = new FrameReader(FRAMES);
  readonly audience: Iterable<Client>;
  /** Of the message that has begun; 0 between two. */
  opcode = 0;
  message = NOTHING;
  bytes = 0;
  /** Whether the peer was asked if it is there, and has said nothing since. */
  isAsked = false;
  constructor(audience: Iterable<Client>) {
    this.audience = audience;
  }
}

function onFrame(conn: Client, frame: Frame): void {
  conn.state.isAsked = false;
  if (frame.opcode === CLOSE) return onClosing(conn, frame.payload);
  if (frame.opcode === PING) send(conn, PONG, frame.payload);
  if (frame.opcode < CLOSE) onPart(conn, frame);
  // Who does not read what it is sent says nothing more before it has: backpressure.
  if (conn.needsDrain && conn.lifecycle === 'open') conn.pause();
}

function onPart(conn: Client, { opcode, isLast, payload }: Frame): void {
  const { state } = conn;
  if ((opcode === 0) !== state.opcode > 0) return leave(conn, 1002);
  const bytes = state.bytes + payload.length;
  if (bytes > MAX_MESSAGE_BYTES) return leave(conn, 1009);
  // However many parts there are, they take no more than twice their bytes.
  if (bytes > state.message.length)
    state.message = Buffer.concat([state.message], isLast ? bytes : 2 * bytes);
  payload.copy(state.message, state.bytes);
  state.opcode ||= opcode;
  state.bytes = bytes;
  if (!isLast) return;
  onMessage(conn, state.opcode, state.message.subarray(0, bytes));
  Object.assign(state, { opcode: 0, message: NOTHING, bytes: 0 });
}

function onMessage(conn: Client, opcode: number, message: Buffer): void {
  if (opcode === TEXT && !isUtf8(message)) return leave(conn, 1007);
  // In a chat, one who is behind misses what others say meanwhile.
  for (const to of conn.state.audience) if (!to.needsDrain) send(to, opcode, message);
}

/** Says why, and leaves (section 7.4.1). */
function leave(conn: Client, code: number): void {
  send(conn, CLOSE, Buffer.of(code >> 8, code & 255));
  conn.close();
}

/** The peer leaves: its code is said back, if it is one that may be sent (section 7.4). */
function onClosing(conn: Client, payload: Buffer): void {
  const code = payload.length < 2 ? 1000 - payload.length : payload.readUInt16BE();
  const isRight =
    (code > 2999 && code < 5000) || (code > 999 && code < 1015 && !(code > 1003 && code < 1007));
  if (!isRight) return leave(conn, 1002);
  if (!isUtf8(payload.subarray(2))) return leave(conn, 1007);
  send(conn, CLOSE, payload.subarray(0, 2));
  conn.close();
}

function webSocket(idleTimeoutMs: number, room?: Set<Client>): Protocol<Session> {
  return {
    onOpen(conn) {
      conn.setTimeouts({ idleTimeoutMs });
      room?.add(conn);
      return new Session(room ?? [conn]);
    },
    onData: (conn, chunk) =>
      conn.state.reader.read(conn, chunk, onFrame, (broken, { code }) =>
        leave(broken, code === 'ERR_FRAME_TOO_LONG' ? 1009 : 1002),
      ),
    onDrain: (conn) => conn.resume(),
    /** Who says nothing is asked, once. */
    onTimeout(conn, which) {
      if (which !== 'idle' || conn.state.isAsked) return false;
      conn.state.isAsked = true;
      send(conn, PING, NOTHING);
      return true;
    },
    onShutdown: (conn) => leave(conn, 1001),
    onClose: (conn) => room?.delete(conn),
  };
}

// 3. The handshake (section 4.2).

const { options, flags } = await settingsWith({ flags: ['idle-ms'] });
const idleMs = Number(flags['idle-ms'] ?? 30_000);
const protocols = new Map([
  ['/echo', webSocket(idleMs)],
  ['/chat', webSocket(idleMs, new Set())],
]);

const PAGE = `<!doctype html><title>Chat</title><form><input autofocus></form><pre></pre><script>
  const socket = new WebSocket(location.href.replace('http', 'ws') + 'chat');
  const [form, input, log] = document.querySelectorAll('form, input, pre');
  socket.onmessage = ({ data }) => log.prepend(data + '\\n');
  socket.onclose = ({ code }) => log.prepend('closed: ' + code + '\\n');
  form.onsubmit = () => { socket.send(input.value); input.value = ''; return false; };
</script>`;

function answer(req: HttpRequest, res: HttpResponse): void {
  const protocol = protocols.get(req.path);
  const token = req.upgrades.find((offered) => offered.toLowerCase() === 'websocket');
  if (protocol === undefined || token === undefined)
    return void res.setHeader('Content-Type', 'text/html').end(PAGE);
  const key = req.headers.get('sec-websocket-key') ?? '';
  const isRight = req.method === 'GET' && !req.hasBody && /^[A-Za-z0-9+/]{22}==$/.test(key);
  if (isRight && req.headers.get('sec-websocket-version') === '13') {
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return void req.upgrade(protocol, { token, fields: { 'Sec-WebSocket-Accept': accept } });
  }
  res.status = isRight ? 426 : 400;
  res.setHeader('Sec-WebSocket-Version', '13').setHeader('Upgrade', 'websocket').end();
}

const reactor = createReactor();
await serve(reactor, reactor.listen(options, http(answer)));
