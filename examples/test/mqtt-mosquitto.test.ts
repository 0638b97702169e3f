/** `mqtt` as mosquitto_pub and mosquitto_sub see it. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsTool, startTool, type Tool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connected, DISCONNECT, publishPacket } from './support/mqtt-client.ts';
import { type ExampleServer, startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const at = (server: ExampleServer) => ['-h', server.host, '-p', `${server.port}`];

/** Publishes, and waits until that is done. */
async function publish(server: ExampleServer, ...flags: string[]): Promise<void> {
  expect(await startTool('mosquitto_pub', [...at(server), ...flags]).ended).toEqual({ code: 0, stderr: '' });
}

interface Subscriber {
  readonly tool: Tool;
  /** Lines that it has printed so far. */
  lines(): string[];
  /** Resolves when it has printed `count` lines. */
  printed(count: number): Promise<string[]>;
}

/** Starts a subscriber, and resolves when its subscriptions are in force: a retained message says so, in its first line. */
async function subscribe(server: ExampleServer, ...flags: string[]): Promise<Subscriber> {
  const format = ['-F', '%q %r %t %p'];
  const tool = startTool('mosquitto_sub', [...at(server), ...format, '-t', 'ready', ...flags]);
  let text = '';
  tool.child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const lines = () => text.split('\n').slice(1, -1);
  const printed = async (count: number) => {
    while (lines().length < count) await once(tool.child.stdout, 'data');
    return lines();
  };
  while (!text.includes('\n')) await once(tool.child.stdout, 'data');
  expect(text).toMatch(/^0 1 ready now\n/);
  return { tool, lines, printed };
}

async function start(): Promise<ExampleServer> {
  const server = await startServer('mqtt');
  const client = await connected(server, 'starter');
  await client.send(publishPacket('ready', 'now', 0, 1), DISCONNECT);
  expect(await client.next()).toBeUndefined();
  return server;
}

describe('the MQTT broker and mosquitto', () => {
  beforeEach((context) => {
    needsTool(context, 'mosquitto_pub');
    needsTool(context, 'mosquitto_sub');
  });

  it('passes messages on, with the lower one of what was sent and what was asked for', async () => {
    const server = await start();
    const [none, once] = [
      await subscribe(server, '-t', 'house/kitchen', '-q', '0'),
      await subscribe(server, '-t', 'house/kitchen', '-q', '1'),
    ];
    await publish(server, '-t', 'house/kitchen', '-m', '20', '-q', '0');
    await publish(server, '-t', 'house/kitchen', '-m', '21', '-q', '1');
    await publish(server, '-t', 'house/cellar', '-m', '7', '-q', '1');
    await publish(server, '-t', 'house/kitchen', '-m', '22', '-q', '1');
    const [values, both] = [
      ['20', '21', '22'],
      ['0', '1', '1'],
    ] as const;
    expect(await none.printed(3)).toEqual(values.map((value) => `0 0 house/kitchen ${value}`));
    expect(await once.printed(3)).toEqual(values.map((value, n) => `${both[n]} 0 house/kitchen ${value}`));
    expect(await server.stop()).toMatchObject({
      code: 0,
      signal: null,
      stderr: expect.not.stringMatching(/rror/),
    });
  });

  it('passes on what wildcards ask for', async () => {
    const server = await start();
    const subscribers = [
      await subscribe(server, '-t', 'house/+/temperature'),
      await subscribe(server, '-t', 'house/#'),
      await subscribe(server, '-t', '#', '-q', '1'),
    ];
    const topics = [
      'house',
      'house/kitchen/temperature',
      'house//temperature',
      'garden/kitchen/temperature',
      '$own',
    ];
    for (const topic of topics) await publish(server, '-t', topic, '-m', 'x');
    for (const subscriber of subscribers) {
      await publish(server, '-t', 'ready', '-m', 'over');
      await subscriber.printed(1);
    }
    const heard = subscribers.map((each) =>
      each
        .lines()
        .map((line) => line.split(' ')[2])
        .filter((topic) => topic !== 'ready'),
    );
    expect(heard).toEqual([[topics[1], topics[2]], topics.slice(0, 3), topics.slice(0, 4)]);
  });

  it('retains the last message of a topic for who comes later, until an empty one', async () => {
    const server = await start();
    await publish(server, '-t', 'state', '-m', 'old', '-r');
    await publish(server, '-t', 'state', '-m', 'new', '-r', '-q', '1');
    await publish(server, '-t', 'state', '-m', 'passing');
    expect(await (await subscribe(server, '-t', 'state', '-q', '1')).printed(1)).toEqual(['1 1 state new']);
    await publish(server, '-t', 'state', '-n', '-r');
    const late = await subscribe(server, '-t', 'state', '-q', '1');
    await publish(server, '-t', 'state', '-m', 'and on');
    expect(await late.printed(1)).toEqual(['0 0 state and on']);
  });

  it('says the will of a client that was killed, and not of one that has left', async () => {
    const server = await start();
    const heir = await subscribe(server, '-t', 'wills', '-q', '1');
    const will = (text: string) => ['--will-topic', 'wills', '--will-payload', text, '--will-qos', '1'];
    const leaver = await subscribe(server, ...will('of the leaver'));
    const victim = await subscribe(server, ...will('of the victim'));
    leaver.tool.child.kill('SIGTERM');
    await leaver.tool.ended;
    victim.tool.child.kill('SIGKILL');
    expect(await heir.printed(1)).toEqual(['1 0 wills of the victim']);
  });

  it.for([0, 1])('passes a mebibyte on whole, with QoS %i', async (qos) => {
    const server = await start();
    const content = Array.from({ length: 128 * 1024 }, (_, n) => `${n}`.padStart(8, '.')).join('');
    const file = join(temporaryFolder(), 'large');
    writeFileSync(file, content);
    const subscriber = await subscribe(server, '-t', 'large', '-q', '1');
    await publish(server, '-t', 'large', '-f', file, '-q', `${qos}`);
    const [line = ''] = await subscriber.printed(1);
    expect(line.length).toBe(`${qos} 0 large `.length + content.length);
    expect(line === `${qos} 0 large ${content}`).toBe(true);
  });

  it('passes five thousand messages on in their order, to everybody', async () => {
    const server = await start();
    const subscribers = [
      await subscribe(server, '-t', 'many/one', '-q', '1'),
      await subscribe(server, '-t', 'many/#', '-q', '1'),
    ];
    const texts = Array.from({ length: 5_000 }, (_, n) => `message ${n}`);
    const publisher = startTool('mosquitto_pub', [...at(server), '-t', 'many/one', '-q', '1', '-l']);
    publisher.child.stdin.end(texts.map((text) => `${text}\n`).join(''));
    expect(await publisher.ended).toEqual({ code: 0, stderr: '' });
    for (const subscriber of subscribers)
      expect(await subscriber.printed(texts.length)).toEqual(texts.map((text) => `1 0 many/one ${text}`));
  });

  it.for([
    ['mqttv31', 'unacceptable protocol version'],
    ['mqttv5', 'Unsupported Protocol Version'],
  ])('tells a client that speaks %s that it does not', async ([version = '', reason = '']) => {
    const server = await start();
    const tool = startTool('mosquitto_pub', [...at(server), '-V', version, '-t', 'a', '-m', 'b']);
    const { code, stderr } = await tool.ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain(reason);
  });
});
