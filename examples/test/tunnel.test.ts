/** `tunnel` while its far end is still to come, for as long as a test wants. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { expect, it, onTestFinished } from 'vitest';
import { type End, tunnel } from '../shared/tunnel.ts';

it('keeps what a client says, its end included, until there is somebody to tell', async () => {
  const { client, dialled, reactor } = await dialling();
  client.end('early');
  await once(client, 'finish');
  const { port, socket } = await target();
  const { far, joined } = await dialled;
  await reactor.connect({ host: '127.0.0.1', port }, far);
  joined();
  const server = await socket;
  expect(await received(server)).toBe('early');
  server.end('late');
  expect(await received(client)).toBe('late');
});

it('lets a far end go that comes when the near one is gone', async () => {
  const { dialled, near, reactor } = await dialling();
  const { port, socket } = await target();
  const { far } = await dialled;
  near().destroy();
  await reactor.connect({ host: '127.0.0.1', port }, far);
  const server = await socket;
  expect(await received(server)).toBe('');
  expect(reactor.stats().connections).toBe(0);
});

it('leaves the near end to whoever hears that there is no far one', async () => {
  const { client, dialled } = await dialling();
  const { refused } = await dialled;
  refused(new Error('nobody there'));
  expect(await received(client)).toBe('nobody there');
});

interface Dialled {
  readonly far: Protocol<End>;
  readonly joined: () => void;
  readonly refused: (error: Error) => void;
}

/** A client at a tunnel whose far end is the test's to bring, or not. */
async function dialling() {
  const reactor = createReactor();
  let onDialled: (dialled: Dialled) => void = () => {};
  const dialled = new Promise<Dialled>((resolve) => {
    onDialled = resolve;
  });
  let opened: Connection<End> | undefined;
  const protocol = tunnel({
    dial: (far) => new Promise<void>((joined, refused) => onDialled({ far, joined, refused })),
    onRefused(near, error) {
      near.end(error.message);
      near.close();
    },
  });
  const watched: Protocol<End> = {
    ...protocol,
    onOpen(conn) {
      opened = conn;
      return protocol.onOpen(conn);
    },
  };
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, watched);
  const client = connect({ port: server.address()?.port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(async () => {
    client.destroy();
    await reactor.shutdown({ deadlineMs: 0 });
  });
  return { reactor, client, dialled, near: () => opened as Connection<End> };
}

/** Where the tunnel may go. */
async function target() {
  const server = createServer({ allowHalfOpen: true });
  onTestFinished(() => void server.close());
  const socket = once(server, 'connection').then(([accepted]) => {
    onTestFinished(() => void accepted.destroy());
    return accepted as Socket;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as { port: number }).port, socket };
}

/** All that comes until the other side ends; ours stays open, as it would not with `toArray`. */
async function received(socket: Socket): Promise<string> {
  let text = '';
  await once(
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    }),
    'end',
  );
  return text;
}
