/** `mqtt` as clients see it that keep to the standard in every detail, and as those do that do not. */
import { describe, expect, it } from 'vitest';
import { isFilter, isTopic, matches } from '../mqtt/topic-filter.ts';
import {
  connected,
  connectPacket,
  DISCONNECT,
  type MqttClient,
  mqttClient,
  PINGREQ,
  packet,
  publishPacket,
  subscribePacket,
  text,
} from './support/mqtt-client.ts';
import { type ExampleServer, startServer } from './support/server.ts';

const MEBIBYTE = 1024 * 1024;
const hex = (answer: { first: number; fields: Buffer } | undefined) =>
  answer === undefined ? 'gone' : `${answer.first.toString(16)} ${answer.fields.toString('hex')}`.trim();

/** A client whose subscriptions are in force; asked for with QoS 1. */
async function subscribed(server: ExampleServer, id: string, ...filters: string[]): Promise<MqttClient> {
  const client = await connected(server, id);
  await client.send(subscribePacket(1, ...filters));
  expect(hex(await client.next())).toBe(`90 0007${'01'.repeat(filters.length)}`);
  return client;
}

/** The next message: with QoS, topic and text. */
async function message(client: MqttClient): Promise<string> {
  const { first, fields } = (await client.next()) ?? { first: 0, fields: Buffer.alloc(2) };
  const end = 2 + fields.readUInt16BE(0);
  const qos = (first >> 1) & 3;
  return `${qos} ${fields.toString('utf8', 2, end)} ${fields.toString('utf8', end + 2 * qos)}`;
}

const WILL = { will: { topic: 'will', payload: 'gone' } };

/** What each begins with, and is answered. */
const NEWCOMERS: readonly (readonly [string, Buffer, string])[] = [
  ['MQTT 3.1', packet(0x10, 'MQIsdp', Buffer.of(3, 2, 0, 0), 'a'), '20 0001'],
  ['MQTT 5', packet(0x10, 'MQTT', Buffer.of(5, 2, 0, 0, 0), 'a'), '20 0001'],
  ['an empty id without a clean session', connectPacket('', { flags: 0 }), '20 0002'],
  ['an empty id', connectPacket(''), '20 0000'],
  ['a name and a password', packet(0x10, 'MQTT', Buffer.of(4, 0xc2, 0, 0), 'a', 'me', 'secret'), '20 0000'],
  ['a session that is to be kept', connectPacket('a', { flags: 0 }), '20 0000'],
];

const NO_NEWCOMERS: readonly (readonly [string, Buffer])[] = [
  ['no CONNECT', PINGREQ],
  ['the name of another protocol', packet(0x10, 'HTTP', Buffer.of(4, 2, 0, 0), 'a')],
  ['a reserved flag', connectPacket('a', { flags: 3 })],
  ['a QoS of no will', connectPacket('a', { flags: 2 | 8 })],
  ['retaining no will', connectPacket('a', { flags: 2 | 32 })],
  ['a will with QoS 3', connectPacket('a', { flags: 2 | 24, ...WILL })],
  ['a will for a filter', connectPacket('a', { will: { topic: 'a/#', payload: '' } })],
  ['a password without a name', packet(0x10, 'MQTT', Buffer.of(4, 0x42, 0, 0), 'a', 'secret')],
  ['a CONNECT that is cut', packet(0x10, 'MQTT', Buffer.of(4, 0xc2, 0, 0), 'a', 'me')],
  ['an id that is no UTF-8', packet(0x10, 'MQTT', Buffer.of(4, 2, 0, 0), text(Buffer.of(0xc3, 0x28)))],
];

const OFFENCES: readonly (readonly [string, Buffer])[] = [
  ['CONNECT again', connectPacket('a')],
  ['a type that is reserved', Buffer.of(0x00, 0)],
  ['a type of servers', packet(0xd0)],
  ['flags that PINGREQ has not', packet(0xc1)],
  ['flags that SUBSCRIBE has not', packet(0x80, Buffer.of(0, 1), 'a', Buffer.of(0))],
  ['a PINGREQ with something in it', packet(0xc0, Buffer.of(0))],
  ['a length of five bytes', Buffer.of(0xc0, 0x80, 0x80, 0x80, 0x80, 0x00)],
  ['a length of endless bytes', Buffer.of(0x30, 0xff, 0xff, 0xff, 0xff)],
  ['a packet that is too long', Buffer.of(0x30, 0x81, 0x80, 0x80, 0x01)],
  ['a message with QoS 2', publishPacket('a', '', 1, 4)],
  ['a message with QoS 3', publishPacket('a', '', 1, 6)],
  ['a duplicate with QoS 0', publishPacket('a', '', 0, 8)],
  ['a message without a packet id', packet(0x32, 'a', Buffer.of(0, 0))],
  ['a message that is cut', packet(0x32, 'a', Buffer.of(0))],
  ['a message for a filter', publishPacket('a/+', '')],
  ['a message for nobody', publishPacket('', '')],
  ['a topic with U+0000', publishPacket('a\0', '')],
  ['a topic that is no UTF-8', packet(0x30, text(Buffer.of(0xed, 0xa0, 0x80)))],
  ['a topic of 257 characters', publishPacket('x'.repeat(257), '')],
  ['a SUBSCRIBE of nothing', packet(0x82, Buffer.of(0, 1))],
  ['a SUBSCRIBE without a packet id', packet(0x82, Buffer.of(0, 0), 'a', Buffer.of(0))],
  ['a SUBSCRIBE with QoS 3', subscribePacket(3, 'a')],
  ['a SUBSCRIBE with what is no filter', subscribePacket(0, 'a', 'a#')],
  ['a SUBSCRIBE to a hundred and one', subscribePacket(0, ...Array.from({ length: 101 }, (_, n) => `${n}`))],
  ['an UNSUBSCRIBE of nothing', packet(0xa2, Buffer.of(0, 1))],
  ['a PUBACK without a packet id', packet(0x40, Buffer.of(0, 0))],
  ['a PUBACK that is cut', packet(0x40, Buffer.of(0))],
];

describe('the MQTT broker', () => {
  it.for([1, 2, 7, 1_000])('answers what comes in pieces of %i bytes', async (size) => {
    const server = await startServer('mqtt');
    const client = await mqttClient(server);
    const asked = Buffer.concat([
      connectPacket('a', { keepAliveSeconds: 60, ...WILL }),
      PINGREQ,
      subscribePacket(2, 'a/+', 'b'),
      publishPacket('a/1', 'x'.repeat(200), 9),
      publishPacket('b', ''),
      packet(0xa2, Buffer.of(1, 1), 'b', 'none'),
      publishPacket('b', 'unheard'),
      packet(0x40, Buffer.of(0, 1)),
      packet(0x40, Buffer.of(0, 99)),
      DISCONNECT,
    ]);
    for (let at = 0; at < asked.length; at += size) await client.send(asked.subarray(at, at + size));
    const answers: string[] = [];
    while (answers.at(-1) !== 'gone') answers.push(hex(await client.next()));
    expect(answers).toEqual([
      '20 0000',
      'd0',
      '90 00070101',
      `32 0003612f310001${'78'.repeat(200)}`,
      '40 0009',
      '30 000162',
      'b0 0101',
      'gone',
    ]);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('answers whoever wants to be let in', async () => {
    const server = await startServer('mqtt');
    for (const [what, bytes, expected] of NEWCOMERS) {
      const client = await mqttClient(server);
      await client.send(bytes, PINGREQ);
      expect([what, hex(await client.next())]).toEqual([what, expected]);
      expect([what, hex(await client.next())]).toEqual([what, expected.endsWith('00') ? 'd0' : 'gone']);
    }
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('leaves a peer that begins with anything else than a right CONNECT', async () => {
    const server = await startServer('mqtt');
    for (const [what, bytes] of NO_NEWCOMERS) {
      const client = await mqttClient(server);
      await client.send(bytes);
      expect([what, await client.next()]).toEqual([what, undefined]);
    }
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('leaves a client that sends what no client may, and says its will', async () => {
    const server = await startServer('mqtt');
    const heir = await subscribed(server, 'heir', 'will');
    for (const [what, bytes] of OFFENCES) {
      const client = await connected(server, 'offender', WILL);
      await client.send(bytes);
      expect([what, await client.next()]).toEqual([what, undefined]);
      expect([what, await message(heir)]).toEqual([what, '0 will gone']);
    }
    const { code, stderr } = await server.stop();
    // A peer's fault is no error of ours.
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^drained \d+ connections, cut 0\n$/)]);
  });

  it('refuses one filter more than a client may have, and keeps the others', async () => {
    const server = await startServer('mqtt');
    const names = Array.from({ length: 99 }, (_, n) => `${n}`);
    const client = await subscribed(server, 'a', ...names);
    await client.send(
      subscribePacket(0, '99', '100', '7'),
      publishPacket('100', 'x'),
      publishPacket('99', 'y'),
    );
    expect(hex(await client.next())).toBe('90 0007008000');
    expect(await message(client)).toBe('0 99 y');
  });

  it('tells a message once to a client of which several filters ask for it, with the highest QoS', async () => {
    const server = await startServer('mqtt');
    const client = await connected(server, 'a');
    await client.send(subscribePacket(0, 'a/#'), subscribePacket(1, 'a/b'), subscribePacket(0, '+/b'));
    for (let n = 0; n < 3; n += 1) await client.next();
    await client.send(publishPacket('a/b', 'both', 5), publishPacket('a/c', 'one', 6));
    expect(await message(client)).toBe('1 a/b both');
    expect(hex(await client.next())).toBe('40 0005');
    expect(await message(client)).toBe('0 a/c one');
  });

  it('gives the place of a client to another one with its id, whose will is said', async () => {
    const server = await startServer('mqtt');
    const heir = await subscribed(server, 'heir', 'will');
    const before = await connected(server, 'same', WILL);
    await before.send(subscribePacket(0, 'a'));
    await before.next();
    const after = await connected(server, 'same');
    expect(await before.next()).toBeUndefined();
    expect(await message(heir)).toBe('0 will gone');
    // The session is another one: nothing is left of the subscription, nor of the place when the first one is gone.
    await after.send(subscribePacket(0, 'b'));
    expect(hex(await after.next())).toBe('90 000700');
    await heir.send(publishPacket('a', 'x'), publishPacket('b', 'y'));
    expect(await message(after)).toBe('0 b y');
  });

  it('leaves a client that is silent for one and a half times its keep-alive, and no other', async () => {
    const server = await startServer('mqtt');
    const heir = await subscribed(server, 'heir', 'will');
    const lively = await connected(server, 'lively', { keepAliveSeconds: 1 });
    const beganMs = performance.now();
    const silent = await connected(server, 'silent', { keepAliveSeconds: 1, ...WILL });
    let isGone = false;
    const gone = silent.next().then((answer) => {
      isGone = true;
      return answer;
    });
    while (!isGone) {
      await lively.send(PINGREQ);
      expect(hex(await lively.next())).toBe('d0');
    }
    expect(await gone).toBeUndefined();
    // Never before: how much later is the machine's business.
    expect(performance.now() - beganMs).toBeGreaterThan(1_490);
    expect(await message(heir)).toBe('0 will gone');
    await lively.send(PINGREQ);
    expect(hex(await lively.next())).toBe('d0');
  });

  it('retains messages of a thousand topics, the latest ones, and wills, and no long ones', async () => {
    const server = await startServer('mqtt');
    const publisher = await connected(server, 'publisher', {
      will: { topic: 'kept', payload: 'will', flags: 32 },
    });
    const heir = await subscribed(server, 'heir', 'kept');
    const retain = (topic: string, payload: string) => publishPacket(topic, payload, 0, 1);
    const topics = Array.from({ length: 1_001 }, (_, n) => `many/${n}`);
    await publisher.send(
      retain('kept', 'x'),
      retain('long', 'x'.repeat(16_384 + 1)),
      ...topics.map((topic) => retain(topic, 'x')),
      PINGREQ,
    );
    await publisher.next();
    publisher.socket.destroy();
    expect(await message(heir)).toBe('0 kept x');
    expect(await message(heir)).toBe('0 kept will');
    await heir.send(subscribePacket(1, '#', 'long'), PINGREQ);
    const heard: string[] = [];
    for (let answer = await heir.next(); answer?.first !== 0xd0; answer = await heir.next()) {
      // The mark of a retained message.
      if (answer?.first === 0x31) heard.push(answer.fields.toString('utf8', 2));
    }
    expect(heard).toEqual([...topics.slice(2).map((topic) => `${topic}x`), 'keptwill']);
  });
});

describe('a subscriber of the MQTT broker that does not read', () => {
  const payload = Buffer.alloc(MEBIBYTE, 'x');

  /** Publishes so many mebibytes to `slow`, and goes on when the broker has them. */
  async function flood(publisher: MqttClient, mebibytes: number, id: number): Promise<void> {
    const bytes = Buffer.concat([publishPacket('slow', payload, id), PINGREQ]);
    for (let n = 0; n < mebibytes; n += 1) {
      await publisher.send(bytes);
      while ((await publisher.next())?.first !== 0xd0);
    }
  }

  it('misses messages of QoS 0, which are kept nowhere, and gets later ones', async () => {
    const server = await startServer('mqtt');
    const slow = await subscribed(server, 'slow', 'slow', 'end');
    const publisher = await connected(server, 'publisher');
    await flood(publisher, 64, 0);
    let heard = 0;
    // It reads again: whatever was queued comes, and then it hears what is said.
    let answer = slow.next();
    await publisher.send(publishPacket('end', '', 1));
    for (; (await answer)?.first === 0x30; answer = slow.next()) heard += 1;
    expect(hex(await answer)).toMatch(/^32 0003656e64/);
    expect(heard).toBeGreaterThan(0);
    expect(heard).toBeLessThan(32);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('is let go when too much of QoS 1 is queued for it, and nobody else notices', async () => {
    const server = await startServer('mqtt');
    const heir = await subscribed(server, 'heir', 'will', 'end');
    const slow = await connected(server, 'slow', WILL);
    await slow.send(subscribePacket(1, 'slow'));
    await slow.next();
    const publisher = await connected(server, 'publisher');
    await flood(publisher, 64, 1);
    expect(await message(heir)).toBe('0 will gone');
    let heard = 0;
    while ((await slow.next()) !== undefined) heard += 1;
    expect(heard).toBeLessThan(64);
    await publisher.send(publishPacket('end', 'still here', 2));
    expect(await message(heir)).toBe('1 end still here');
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('is let go when it has not acknowledged ten thousand messages', async () => {
    const server = await startServer('mqtt');
    const heir = await subscribed(server, 'heir', 'will');
    const lazy = await connected(server, 'lazy', WILL);
    await lazy.send(subscribePacket(1, 'many'));
    await lazy.next();
    const publisher = await connected(server, 'publisher');
    const many = (count: number) =>
      Buffer.concat(Array.from({ length: count }, () => publishPacket('many', 'x', 1)));
    const answers = async (count: number) => {
      for (let n = 0; n < count; n += 1) expect(hex(await publisher.next())).toBe('40 0001');
    };
    await publisher.send(many(10_000));
    await answers(10_000);
    for (let n = 0; n < 10_000; n += 1) await lazy.next();
    await lazy.send(packet(0x40, Buffer.of(0, 77)), PINGREQ);
    expect(hex(await lazy.next())).toBe('d0');
    // One was acknowledged: there is room for one, and then for no other.
    await publisher.send(many(1));
    await answers(1);
    expect(hex(await lazy.next())).toBe('32 00046d616e79271178');
    await publisher.send(many(1));
    await answers(1);
    expect(await lazy.next()).toBeUndefined();
    expect(await message(heir)).toBe('0 will gone');
  });
});

describe('filters of topics', () => {
  it.for([
    ['#', 'a a/b /a a//b', '$SYS $SYS/a'],
    ['+', 'a', 'a/b /a $SYS'],
    ['a/#', 'a a/ a/b a/b/c', 'b ab b/a'],
    ['a/+', 'a/ a/b', 'a a/b/c'],
    ['+/+', '/a a/b /', 'a a/b/c $SYS/a'],
    ['/+', '/a /', 'a a/b'],
    ['a/+/c', 'a/b/c a//c', 'a/c a/b/b/c'],
    ['a/b', 'a/b', 'a A/B a/b/ a/b/c'],
    ['$SYS/#', '$SYS $SYS/a', 'SYS a'],
    ['+/#', 'a a/b /', '$SYS/a'],
  ])('%s is for %s, and not for %s', ([filter = '', right = '', wrong = '']) => {
    expect(isFilter(filter)).toBe(true);
    expect(right.split(' ').filter((topic) => !matches(filter, topic))).toEqual([]);
    expect(wrong.split(' ').filter((topic) => matches(filter, topic))).toEqual([]);
  });

  it('are none where a wildcard is no level of its own, or there is nothing, or too much', () => {
    const wrong = ['', 'a#', '#/a', 'a/#/b', 'a+', '+a', 'a/+b', '##', '++', 'x'.repeat(257), '/'.repeat(16)];
    expect(wrong.filter(isFilter)).toEqual([]);
    expect(['x'.repeat(256), '/'.repeat(15)].filter((text) => !isFilter(text) || !isTopic(text))).toEqual([]);
    expect(['', '+', 'a/#', 'a+', 'x'.repeat(257), '/'.repeat(16)].filter(isTopic)).toEqual([]);
  });
});
