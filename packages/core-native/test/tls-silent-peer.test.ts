/** A server's handshake before its peer has said a word: it waits, and does not hide how that ends. */
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { Interest, Status } from '../src/index.ts';
import { resetPeer, sendAll, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { failureOf, runHandshake, tlsPair } from './support/tls-pair.ts';

leavesNothingBehind();

let identity: Issuer;
beforeAll(async () => {
  identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
});

describe.each(['shared', 'socket'] as const)('bio: %j', (bio) => {
  const pair = () =>
    tlsPair(
      new native.TlsContext({ role: 'client', bio }),
      new native.TlsContext({
        role: 'server',
        bio,
        certificateChain: identity.certificate,
        privateKey: identity.key,
      }),
    );

  it('waits for a silent peer however often it is tried, and then shakes hands', () => {
    const silent = pair();
    for (let attempt = 0; attempt < 3; attempt += 1) expect(silent.server.handshake()).toBe(Status.wantsRead);
    expect(runHandshake(silent)).toEqual({ client: undefined, server: undefined });
    silent.close();
  });

  it('goes on from one byte, which is the first of its hello and is not lost', () => {
    const { client, server, sockets, close } = pair();
    const dribbling = pair();
    expect(client.handshake()).toBe(Status.wantsRead);
    waitFor([sockets.server], Interest.readable);
    const hello = Buffer.alloc(8192);
    const length = native.recv(sockets.server, hello, 0, hello.length);
    for (let at = 0; at < length; at += 1) {
      sendAll(dribbling.sockets.client, hello.subarray(at, at + 1));
      waitFor([dribbling.sockets.server], Interest.readable);
      expect(dribbling.server.handshake()).toBe(Status.wantsRead);
    }
    // The flight of the server is the answer to a hello that was read whole.
    waitFor([dribbling.sockets.client], Interest.readable);
    server.close();
    dribbling.close();
    close();
  });

  it('P26 tells an end as an end', () => {
    const { server, sockets, close } = pair();
    expect(server.handshake()).toBe(Status.wantsRead);
    native.shutdownWrite(sockets.client);
    waitFor([sockets.server], Interest.readable);
    expect(failureOf(server.handshake())).toMatchObject({ kind: 'truncated' });
    close();
  });

  it('P32 tells a reset as a reset, by its errno', () => {
    const { server, sockets, close } = pair();
    resetPeer(sockets.client);
    waitFor([sockets.server], Interest.readable);
    expect(failureOf(server.handshake())).toMatchObject({ kind: 'system', code: 'ECONNRESET' });
    close();
  });
});
