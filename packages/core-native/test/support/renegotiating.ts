/** A session of ours and Node's TLS, connected over TLS 1.2, whose renegotiations a test takes apart. */
import { createSecureContext } from 'node:tls';
import { expect, onTestFinished } from 'vitest';
import {
  Interest,
  type NativeTlsContextOptions,
  type NativeTlsSession,
  READ_MORE,
  Status,
} from '../../src/index.ts';
import { identityFor } from './identity.ts';
import { connectedPair, waitFor } from './loopback.ts';
import { native } from './native.ts';
import { NodeEngine } from './node-engine.ts';

export const identity = identityFor({ dns: ['localhost'] });
const { server } = identity;
export const TLS12 = { maxVersion: 'TLSv1.2' } as const;

export interface Pair {
  readonly session: NativeTlsSession;
  readonly fd: number;
  readonly node: NodeEngine;
  readonly peerFd: number;
}

/** A server of ours, and Node as its client; the handshake is complete. */
export async function serve(
  options: Partial<NativeTlsContextOptions> = {},
  ofNode: object = {},
): Promise<Pair> {
  const sockets = connectedPair();
  const session = new native.TlsSession(server({ renegotiations: 3, ...TLS12, ...options }), sockets.server);
  const node = NodeEngine.client(sockets.client, {
    servername: 'localhost',
    ca: identity.authority.certificate,
    ...ofNode,
  });
  return shake({ session, fd: sockets.server, node, peerFd: sockets.client }, sockets);
}

/** A client of ours, and Node as its server. */
export async function visit(
  options: Partial<NativeTlsContextOptions> = {},
  ofNode: object = {},
): Promise<Pair> {
  const sockets = connectedPair();
  const context = new native.TlsContext({ role: 'client', renegotiations: 3, ...TLS12, ...options });
  const session = new native.TlsSession(context, sockets.client, { servername: 'localhost' });
  const { certificate: cert, key } = identity.leaf;
  const node = NodeEngine.server(sockets.server, {
    secureContext: createSecureContext({ cert, key }),
    ...ofNode,
  });
  return shake({ session, fd: sockets.client, node, peerFd: sockets.server }, sockets);
}

async function shake(pair: Pair, sockets: { close(): void }): Promise<Pair> {
  let status: number = Status.wantsRead;
  await pair.node.until(
    () =>
      status === 0 &&
      pair.node.tls.getProtocol() === 'TLSv1.2' &&
      pair.node.tls.getPeerFinished() !== undefined,
    () => {
      if (status !== 0) status = pair.session.handshake();
      if (status === Status.failed) throw new Error(native.lastFailure().reason);
      pair.node.pump();
    },
  );
  onTestFinished(() => {
    pair.session.close();
    pair.node.destroy();
    sockets.close();
  });
  return pair;
}

/** What a read answers, and what it read. */
export function read(session: NativeTlsSession): { status: number; text: string } {
  const buffer = Buffer.alloc(65_536);
  const status = session.read(buffer, 0, buffer.length);
  return {
    status: Math.min(status, 0),
    text: buffer.toString('latin1', 0, Math.max(0, status) & ~READ_MORE),
  };
}

/** Reads until `text` was read, giving Node its turns. */
export async function readText({ session, node }: Pair, text: string): Promise<void> {
  let seen = '';
  await node.until(
    () => seen.length >= text.length,
    () => {
      const answer = read(session);
      if (answer.status === Status.failed) throw new Error(native.lastFailure().reason);
      seen += answer.text;
      node.pump();
    },
  );
  expect(seen).toBe(text);
}

export async function writeText({ session, node }: Pair, text: string): Promise<void> {
  const from = node.text.length;
  expect(session.write(Buffer.from(text), 0, text.length)).toBe(text.length);
  await node.until(() => node.text.length >= from + text.length);
  expect(node.text.slice(from)).toBe(text);
}

/** Node begins; what it says first is in the socket when this returns. */
export async function begin({ node }: Pair): Promise<{ done: boolean }> {
  const state = { done: false };
  node.hold();
  expect(
    node.tls.renegotiate({}, () => {
      state.done = true;
    }),
  ).toBe(true);
  await node.until(
    () => node.heldBytes > 0,
    () => {},
  );
  node.release();
  return state;
}

/** A server in the middle of a renegotiation: what its client says next is held. */
export async function serveMidway(bio: 'shared' | 'socket') {
  const pair = await serve({ bio });
  await begin(pair);
  waitFor([pair.fd], Interest.readable);
  pair.node.hold();
  expect(read(pair.session).status).toBe(Status.wantsRead);
  return pair;
}
