/**
 * An MQTT 3.1.1 broker (OASIS standard): QoS 0 and 1, retained messages, wills. Every session is a clean one: nothing is kept
 * of a client that has left. For one worker: clients of another one would hear nothing of each other.
 *
 *   npm run example -- mqtt --port 1883
 *   mosquitto_sub -p 1883 -v -t 'house/+/temperature'
 *   mosquitto_pub -p 1883 -q 1 -t house/kitchen/temperature -m 21
 */
import { type Connection, createReactor, FrameError, FrameReader, type Protocol } from '@sluice/reactor';
import { PACKETS, type Packet, refuse, send, uint16 } from './mqtt/packet.ts';
import { isFilter, isTopic, matches } from './mqtt/topic-filter.ts';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

// 1. What there is of a client, and how much of it.

interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
}

class Session {
  readonly reader = new FrameReader(PACKETS);
  /** Empty before CONNECT. */
  id = '';
  keepAliveMs = 0;
  will: Message | undefined;
  /** With the QoS that it asks for. */
  readonly filters = new Map<string, number>();
  /** Ids of messages of QoS 1; the message itself has left, or is queued. */
  readonly unacknowledged = new Set<number>();
  lastId = 0;
}
type Client = Connection<Session>;

const CONNECT_WITHIN_MS = 10_000;
const MAX_FILTERS = 100;
const MAX_UNACKNOWLEDGED = 10_000;
/** Of so many topics the latest message is retained, unless it is longer. */
const MAX_RETAINED = 1_000;
const MAX_RETAINED_BYTES = 16 * 1024;
/** Whoever has as much queued as that, or is the one with whom all have, is let go. */
const LIMITS = { maxQueuedBytes: 32 * 1024 * 1024, maxTotalQueuedBytes: 512 * 1024 * 1024 };

const clients = new Map<string, Client>();
const retained = new Map<string, Message>();

// 2. Who hears what (sections 3.3 and 4.7).

function publish(message: Message): void {
  const { topic, payload, retain } = message;
  if (retain) retained.delete(topic);
  if (retain && payload.length > 0 && payload.length <= MAX_RETAINED_BYTES) retained.set(topic, message);
  if (retained.size > MAX_RETAINED) retained.delete(retained.keys().next().value as string);
  for (const client of clients.values()) {
    let qos = -1;
    for (const [filter, granted] of client.state.filters)
      if (granted > qos && matches(filter, topic)) qos = granted;
    // Who asks for QoS 2 is granted 1.
    if (qos >= 0) deliver(client, message, Math.min(qos, message.qos, 1), 0);
  }
}

/**
 * Nobody waits for one who reads slowly. It misses messages of QoS 0 while more than the high-water mark is queued for it; of
 * QoS 1 it misses none, and is let go when too much is queued, or too many are not acknowledged.
 */
function deliver(conn: Client, { topic, payload }: Message, qos: number, retain: number): void {
  const { state } = conn;
  if ((qos === 0 && retain === 0 && conn.needsDrain) || conn.lifecycle === 'closed') return;
  const name = Buffer.from(topic);
  if (qos === 0) return send(conn, 0x30 + retain, uint16(name.length), name, payload);
  if (state.unacknowledged.size === MAX_UNACKNOWLEDGED) return conn.destroy(new Error('no PUBACK'));
  do state.lastId = (state.lastId % 0xffff) + 1;
  while (state.unacknowledged.has(state.lastId));
  state.unacknowledged.add(state.lastId);
  send(conn, 0x32 + retain, uint16(name.length), name, uint16(state.lastId), payload);
}

/** Forgets it, and lets others hear its will unless it took that back by DISCONNECT. */
function leave(conn: Client): void {
  const { id, will } = conn.state;
  if (clients.get(id) === conn) clients.delete(id);
  conn.state.will = undefined;
  // Not in this call: it may be the end of one to whom the will of another one was too much.
  if (will !== undefined) queueMicrotask(() => publish(will));
  conn.close();
}

// 3. What each packet does (section 3).

function onConnect(conn: Client, packet: Packet): void {
  const { state } = conn;
  const name = packet.text();
  if (packet.number(1) !== 4) return answer(conn, 1);
  const flags = packet.number(1);
  const qos = (flags >> 3) & 3;
  const hasWill = (flags & 0x04) > 0;
  const isAtOdds = (!hasWill && flags & 0x38) || (flags & 0xc0) === 0x40;
  if (name !== 'MQTT' || flags & 1 || qos > 2 || isAtOdds) refuse('a CONNECT that is none');
  state.keepAliveMs = packet.number(2) * 1_500;
  // Nobody can send an id like those that are made here.
  const id = packet.text() || `\0${conn.id}`;
  if (id.startsWith('\0') && !(flags & 0x02)) return answer(conn, 2);
  const will = hasWill && { topic: packet.text(isTopic), payload: packet.block() };
  if (flags & 0x80) packet.text();
  if (flags & 0x40) packet.block();
  if (will) state.will = { ...will, qos, retain: (flags & 0x20) > 0 };
  const before = clients.get(id);
  if (before !== undefined) leave(before);
  clients.set(id, conn);
  state.id = id;
  conn.setTimeouts({ idleTimeoutMs: 0 });
  answer(conn, 0);
}

function answer(conn: Client, code: number): void {
  send(conn, 0x20, Uint8Array.of(0, code));
  if (code > 0) conn.close();
}

function onPublish(conn: Client, packet: Packet): void {
  const qos = (packet.flags >> 1) & 3;
  if (qos > 1 || (packet.flags & 0x0e) === 0x08) refuse('QoS 2, or flags that no message has');
  const topic = packet.text(isTopic);
  const id = qos > 0 ? packet.id() : 0;
  publish({ topic, payload: packet.remainder(), qos, retain: packet.flags % 2 > 0 });
  if (id > 0) send(conn, 0x40, uint16(id));
}

function onSubscribe(conn: Client, packet: Packet): void {
  const id = packet.id();
  const { filters } = conn.state;
  const wanted: [filter: string, qos: number][] = [];
  do wanted.push([packet.text(isFilter), packet.number(1)]);
  while (!packet.isAtEnd && wanted.length < MAX_FILTERS);
  const codes = wanted.map(([filter, qos]) => {
    if (qos > 2) refuse('a QoS that is none');
    if (filters.size === MAX_FILTERS && !filters.has(filter)) return 0x80;
    filters.set(filter, qos);
    return Math.min(qos, 1);
  });
  send(conn, 0x90, uint16(id), Uint8Array.from(codes));
  const granted = wanted.flatMap(([filter, qos], n) => (codes[n] === 0x80 ? [] : [[filter, qos] as const]));
  for (const message of retained.values())
    for (const [filter, qos] of granted)
      if (matches(filter, message.topic)) deliver(conn, message, Math.min(qos, message.qos, 1), 1);
}

function onUnsubscribe(conn: Client, packet: Packet): void {
  const id = packet.id();
  do conn.state.filters.delete(packet.text(isFilter));
  while (!packet.isAtEnd);
  send(conn, 0xb0, uint16(id));
}

const HANDLERS: Readonly<Record<number, (conn: Client, packet: Packet) => void>> = {
  1: onConnect,
  3: onPublish,
  4: (conn, packet) => conn.state.unacknowledged.delete(packet.id()),
  8: onSubscribe,
  10: onUnsubscribe,
  12: (conn) => send(conn, 0xd0),
  14: (conn) => {
    conn.state.will = undefined;
    leave(conn);
  },
};

function onPacket(conn: Client, packet: Packet): void {
  try {
    if ((packet.type === 1) !== (conn.state.id === '')) refuse('CONNECT twice, or something ahead of it');
    HANDLERS[packet.type]?.(conn, packet);
    if (!packet.isAtEnd && conn.lifecycle === 'open') refuse('a packet that is too long');
    conn.setDeadline(conn.state.keepAliveMs);
  } catch (thrown) {
    if (!(thrown instanceof FrameError)) throw thrown;
    conn.destroy(thrown);
  }
}

// 4. The protocol.

const mqtt: Protocol<Session> = {
  onOpen(conn) {
    conn.setDeadline(CONNECT_WITHIN_MS);
    return new Session();
  },
  onData: (conn, chunk) => conn.state.reader.read(conn, chunk, onPacket),
  onEnd: leave,
  onClose: leave,
};

const settings = await serverSettings();
const reactor = createReactor({ limits: LIMITS });
await serve(reactor, reactor.listen(settings, mqtt));
