/** A real process that runs out of descriptors, and gets some back. */
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

/** Node, its loader and the channel to us take about half of them. */
const DESCRIPTORS = 64;
const CLIENTS = 150;

test('P10 without descriptors nothing spins and one warning is given; everybody is served when some are back', async (context) => {
  const server = startServer();
  const { port } = await server.next<{ port: number }>();
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.to(port)));
  onTestFinished(() => {
    for (const client of clients) client.socket.destroy();
  });
  for (const client of clients) client.socket.write('.');

  const cost = await server.next<{ open: number; turns: number; accepts: number; cpuMs: number }>();
  await context.annotate(`a second of shortage: ${JSON.stringify(cost)}`);
  expect(cost.open).toBeGreaterThan(0);
  expect(cost.open).toBeLessThan(DESCRIPTORS);
  // Each one that arrives meanwhile is an edge, and a retry comes ten times a second. A loop that spins makes tens of
  // thousands of turns.
  expect(cost.turns).toBeLessThan(2 * CLIENTS);
  expect(cost.accepts).toBeLessThan(2 * CLIENTS);

  // Whoever was served leaves, which makes room for the next.
  for (const client of clients) void client.served.then(() => client.socket.destroy());
  await Promise.all(clients.map(({ served }) => served));
  server.child.send('report');
  expect(await server.next()).toEqual({ warnings: ['EMFILE'], accepted: CLIENTS });
});

class Client {
  readonly socket: Socket;
  /** Its byte came back. Rejects when the connection ends without. */
  readonly served: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.served = new Promise((resolve, reject) => {
      socket.once('data', () => resolve());
      socket.once('close', () => reject(new Error('closed, and never served')));
    });
    // The test may be over before it is awaited.
    this.served.catch(() => {});
    socket.on('error', () => {});
  }

  static async to(port: number): Promise<Client> {
    const client = new Client(connect({ host: '127.0.0.1', port }));
    await once(client.socket, 'connect');
    return client;
  }
}

function startServer() {
  const program = fileURLToPath(new URL('fixtures/few-descriptors.ts', import.meta.url));
  const limited = ['-c', `ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`];
  const node = [process.execPath, '--import', 'tsx', program];
  const child = spawn('/bin/sh', [...limited, ...node], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const messages = on(child, 'message');
  return { child, next: async <T>() => (await messages.next()).value[0] as T };
}
