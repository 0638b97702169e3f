/** The chat room, with several people in it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from './support/checksum.ts';
import { type LineClient, lineClient } from './support/line-client.ts';
import { type ExampleServer, startServer } from './support/server.ts';

const LINES = 4_000;
const LINE_CHARACTERS = 4_000;

describe('the chat room', () => {
  it('tells everybody else who comes, what is said and who leaves', async () => {
    const server = await startServer('chat');
    const one = await join(server);
    expect(one.greeting).toBe('* you are 1, 1 here');
    const two = await join(server);
    expect(two.greeting).toBe('* you are 2, 2 here');
    expect(await one.nextLine()).toBe('* 2 joined');

    one.send('hello, two');
    expect(await two.nextLine()).toBe('1: hello, two');
    two.send('hello, one');
    // Had its own line come back to the first, it would stand before this one.
    expect(await one.nextLine()).toBe('2: hello, one');

    await two.leave();
    expect(await one.nextLine()).toBe('* 2 left');
  });

  it('tells those who sit in another worker too, over TLS', async () => {
    const server = await startServer('chat', ['--workers', '2', '--tls']);
    const people = [await join(server, { rejectUnauthorized: false })];
    // Every reactor counts its connections from 1: as soon as there are two of them, both workers serve.
    while (people.filter(({ greeting }) => greeting.startsWith('* you are 1,')).length < 2) {
      expect(people.length).toBeLessThan(64);
      people.push(await join(server, { rejectUnauthorized: false }));
    }
    const [first, last] = [people[0]!, people.at(-1)!];
    last.send('from the other worker');
    let line = await first.nextLine();
    while (line?.endsWith(' joined')) line = await first.nextLine();
    expect(line).toBe('1: from the other worker');
  });

  it('does not make the others wait for somebody who reads slowly', async () => {
    const server = await startServer('chat');
    const slow = connect(server.port, server.host);
    onTestFinished(() => {
      slow.destroy();
    });
    await once(slow, 'readable');
    const talker = await join(server);
    const listener = await join(server);
    const text = 'x'.repeat(LINE_CHARACTERS);
    for (let sent = 0; sent < LINES; sent += 1) talker.send(text);
    for (let heard = 0; heard < LINES; heard += 1) expect(await listener.nextLine()).toBe(`2: ${text}`);
    const said = LINES * `2: ${text}\n`.length;
    const before = '* you are 1, 1 here\n* 2 joined\n* 3 joined\n'.length;
    expect((await digestOf(slow, before + said)).bytes).toBe(before + said);
  });

  it('shows somebody out whose line never ends, and nobody else', async () => {
    const server = await startServer('chat');
    const other = await join(server);
    const endless = await join(server);
    expect(await other.nextLine()).toBe('* 2 joined');
    endless.socket.write('x'.repeat(5_000));
    await expect(endless.nextLine()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await other.nextLine()).toBe('* 2 left');
  });
});

async function join(
  server: ExampleServer,
  tls?: { rejectUnauthorized: boolean },
): Promise<LineClient & { readonly greeting: string }> {
  const client = await lineClient(server, tls);
  return { ...client, greeting: (await client.nextLine()) ?? '' };
}
