/** Pairs for `testDuplex` over TCP: Node's own sockets, and ours at either end of one. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createReactor, fromDuplex, type Reactor } from '../../src/index.ts';
import type { DuplexPair, DuplexPairOptions } from '../../src/testing/index.ts';

/** Both ends are Node's. */
export async function nodePair(options: DuplexPairOptions): Promise<DuplexPair> {
  const server = createServer(options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const peer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [stream] = (await once(server, 'connection')) as [Socket];
  server.close();
  return pairOf(stream, peer, () => stream.destroy());
}

/** Ours was accepted, and the peer is Node's. */
export async function acceptedPair(options: DuplexPairOptions): Promise<DuplexPair> {
  const reactor = createReactor({ poisonReads: true });
  let accept = (_stream: DuplexPair['stream']) => {};
  const accepted = new Promise<DuplexPair['stream']>((resolve) => {
    accept = resolve;
  });
  const server = await reactor.listen(
    { port: 0, host: '127.0.0.1' },
    fromDuplex((stream) => accept(stream), options),
  );
  const peer = connect({ port: server.address()!.port, host: '127.0.0.1', allowHalfOpen: true });
  return pairOf(await accepted, peer, () => leave(reactor));
}

/** Ours has connected to a server of Node's. */
export async function connectedPair(options: DuplexPairOptions): Promise<DuplexPair> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const reactor = createReactor({ poisonReads: true });
  const accepted = once(server, 'connection');
  const { state: stream } = await reactor.connect(
    { port, host: '127.0.0.1' },
    fromDuplex(undefined, options),
  );
  const [peer] = (await accepted) as [Socket];
  server.close();
  return pairOf(stream, peer, () => leave(reactor));
}

function leave(reactor: Reactor): void {
  void reactor.shutdown({ deadlineMs: 0 });
}

function pairOf(stream: DuplexPair['stream'], peer: Socket, release: () => void): DuplexPair {
  return {
    stream,
    peer,
    reset: () => void peer.on('error', () => {}).resetAndDestroy(),
    dispose: () => {
      stream.on('error', () => {}).destroy();
      peer.on('error', () => {}).destroy();
      release();
    },
  };
}
