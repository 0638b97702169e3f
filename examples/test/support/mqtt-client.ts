/** A client of MQTT 3.1.1 that says just what it is told to, right or wrong. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface MqttClient {
  readonly socket: Socket;
  /** Writes bytes; resolves when they are written. */
  send(...bytes: Uint8Array[]): Promise<void>;
  /** The next packet, waiting for it: its first byte and its fields. Undefined when the connection is gone. Nothing is read before. */
  next(): Promise<{ readonly first: number; readonly fields: Buffer } | undefined>;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

export async function mqttClient({ host, port }: Place): Promise<MqttClient> {
  const socket = connect({ host, port, noDelay: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  // A reset is an end as well: which it is depends on what was unread.
  socket.on('error', () => {});
  const packets = packetsOf(socket);
  return {
    socket,
    send: (...bytes) => new Promise((resolve) => socket.write(Buffer.concat(bytes), () => resolve())),
    next: async () => (await packets.next().catch(() => ({ value: undefined }))).value ?? undefined,
  };
}

/** A client that was let in. */
export async function connected(place: Place, id: string, wish: ConnectWish = {}): Promise<MqttClient> {
  const client = await mqttClient(place);
  await client.send(connectPacket(id, wish));
  const answer = await client.next();
  if (answer?.fields.equals(Buffer.of(0, 0)) !== true) throw new Error(`${id} was not let in`);
  return client;
}

async function* packetsOf(socket: Socket) {
  let bytes = Buffer.alloc(0);
  let wanted = 2;
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pieces.push(chunk);
    length += chunk.length;
    if (length < wanted) continue;
    bytes = Buffer.concat(pieces);
    wanted = 2;
    for (;;) {
      let at = 1;
      let size = 0;
      while ((bytes[at] ?? 0) > 127) at += 1;
      for (let digit = at; digit > 0; digit -= 1) size = size * 128 + ((bytes[digit] ?? 0) & 127);
      if (bytes[at] === undefined) break;
      wanted = at + 1 + size;
      if (bytes.length < wanted) break;
      const packet = { first: bytes[0] as number, fields: bytes.subarray(at + 1, wanted) };
      bytes = bytes.subarray(wanted);
      wanted = 2;
      yield packet;
    }
    pieces = [bytes];
    length = bytes.length;
  }
}

/** `first` is type and flags. */
export function packet(first: number, ...fields: (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(fields.map((field) => (typeof field === 'string' ? text(field) : field)));
  const digits: number[] = [];
  let left = content.length;
  do {
    digits.push((left % 128) + (left > 127 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.of(first, ...digits), content]);
}

/** With its length in front. */
export function text(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

export interface ConnectWish {
  /** Default: clean, and what the will needs. */
  readonly flags?: number;
  readonly keepAliveSeconds?: number;
  readonly will?: { readonly topic: string; readonly payload: string; readonly flags?: number };
}

export function connectPacket(
  id: string,
  { flags = 2, keepAliveSeconds = 0, will }: ConnectWish = {},
): Buffer {
  const all = flags | (will === undefined ? 0 : 4 | (will.flags ?? 0));
  const fields = [Buffer.of(4, all, keepAliveSeconds >> 8, keepAliveSeconds & 255), id];
  return packet(0x10, 'MQTT', ...fields, ...(will === undefined ? [] : [will.topic, will.payload]));
}

export function publishPacket(topic: string, payload: string | Uint8Array, id = 0, flags = 0): Buffer {
  const number = id === 0 ? Buffer.alloc(0) : Buffer.of(id >> 8, id & 255);
  return packet(0x30 | flags | (id === 0 ? 0 : 2), topic, number, Buffer.from(payload));
}

/** With packet id 7; the QoS is that of all filters. */
export function subscribePacket(qos: number, ...filters: string[]): Buffer {
  return packet(0x82, Buffer.of(0, 7), ...filters.flatMap((filter) => [filter, Buffer.of(qos)]));
}

export const PINGREQ = packet(0xc0);
export const DISCONNECT = packet(0xe0);
