import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createReactor, type Protocol } from '../src/index.ts';
import { openSockets } from './support/descriptors.ts';

test('connections that changed their protocol leave no descriptor behind, whoever ends them', async () => {
  const before = openSockets();
  const reactor = createReactor({ poisonReads: true });
  const closed: string[] = [];
  const echoing: Protocol = {
    onOpen: () => {},
    onData: (conn, chunk) => {
      if (chunk[0] === 0x21) conn.destroy();
      else conn.write(chunk);
    },
    onClose: (_conn, reason) => void closed.push(reason),
  };
  const first: Protocol = {
    onOpen: () => {},
    onData: (conn, chunk) => void conn.become(echoing, chunk.subarray(1)),
    onClose: () => void closed.push('to the one before'),
  };
  const server = await reactor.listen({ host: '127.0.0.1', port: 0 }, first);
  const visits = Array.from({ length: 50 }, async (_, index) => {
    const socket = connect(server.address()!.port, '127.0.0.1').setEncoding('latin1');
    // A third is destroyed by the server, a third by the client, and a third ends in order.
    if (index % 3 === 0) socket.resume().write('x!');
    else socket.write('xhello');
    socket.on('data', () => (index % 3 === 1 ? socket.destroy() : socket.end()));
    await once(socket, 'close');
  });
  await Promise.all(visits);
  await reactor.shutdown({ deadlineMs: 5_000 });
  expect(closed).toHaveLength(50);
  expect(closed).not.toContain('to the one before');
  expect(openSockets()).toEqual(before);
});
