/**
 * A TCP relay that passes on what one side says up to a byte, and nothing behind it: that side has stopped, as the other one
 * sees it. The other direction flows.
 */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { Tally } from './tally.ts';

export type Side = 'client' | 'server';

export interface CuttingRelay {
  readonly port: number;
  /** After how many bytes each connection was stopped, as soon as those have left. */
  readonly stopped: Tally<number>;
  /** Bytes of the stopping side that were passed on, over all connections. */
  passedBytes(): number;
  /** What the first record of the stopping side takes, header included: its hello. */
  helloBytes(): number;
  /** Sockets that are open. */
  open(): number;
}

/** Starts a relay to `port`, in which `side` stops after as many bytes as `after` says for each connection in turn. */
export async function startCuttingRelay(
  port: number,
  side: Side,
  after: () => number,
): Promise<CuttingRelay> {
  const stopped = new Tally<number>();
  const open = new Set<Socket>();
  let passed = 0;
  let hello = 0;
  const relay = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connectTcp({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const [from, to] = side === 'client' ? [client, server] : [server, client];
    const limit = after();
    let left = limit;
    const stop = () => stopped.add(limit);
    from.once('data', (chunk: Buffer) => {
      if (chunk.length >= 5) hello = 5 + chunk.readUInt16BE(3);
    });
    from.on('data', (chunk) => {
      const piece = chunk.subarray(0, left);
      if (piece.length === 0) return;
      left -= piece.length;
      passed += piece.length;
      to.write(piece, left === 0 ? stop : undefined);
    });
    server.once('connect', () => {
      if (limit === 0) stop();
    });
    to.pipe(from);
    for (const socket of [client, server]) {
      open.add(socket);
      socket
        .on('error', () => {})
        .once('close', () => {
          open.delete(socket);
          client.destroy();
          server.destroy();
        });
    }
    to.once('end', () => from.destroy());
    from.once('end', () => to.destroy());
  });
  onTestFinished(() => {
    relay.close();
    for (const socket of open) socket.destroy();
  });
  await once(relay.listen(0, '127.0.0.1', 2048), 'listening');
  const { port: ownPort } = relay.address() as { port: number };
  return {
    port: ownPort,
    stopped,
    passedBytes: () => passed,
    helloBytes: () => hello,
    open: () => open.size,
  };
}
