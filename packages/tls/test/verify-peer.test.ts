/** `verifyPeer`: the application's own judgement, in servers and clients. */
import { once } from 'node:events';
import { createReactor } from '@sluice/reactor';
import { type TlsClientOptions, type TlsPeer, tls, tlsClient, type VerifyPeer } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { ourClient, ourServer } from './support/endpoints.ts';
import { nodeClient, startNodeClient } from './support/node-client.ts';
import { nodeServer } from './support/node-server.ts';
import { Party } from './support/party.ts';
import { liveSessions, openDescriptors } from './support/process-state.ts';
import { Tally } from './support/tally.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let authority: Issuer;
let server: Issuer;
let alice: Issuer;
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  server = await authority.issue({ name: 'localhost', dns: ['localhost'] });
  alice = await authority.issue({ name: 'alice', dns: ['alice.test'], usage: 'clientAuth' });
});

const pem = ({ certificate: cert, key }: Issuer) => ({ cert, key });

function judging(verifyPeer: VerifyPeer, options: object = {}) {
  const policy = { clientCertificates: 'require', ca: authority.certificate } as const;
  return ourServer({ ...pem(server), ...policy, verifyPeer, ...options });
}

describe.each(VERSIONS)('verifyPeer, %s', (version) => {
  const only = { minVersion: version, maxVersion: version };
  const identified = () => ({ ...pem(alice), ca: authority.certificate, ...only });

  it('of a server sees who the client is before anything is opened', async () => {
    const seen: unknown[] = [];
    const { port, party } = await judging((peer) => {
      seen.push({
        authorized: peer.authorized,
        servername: peer.servername,
        opened: party.opened.items.length,
        chain: peer.peerCertificates().map(({ subject }) => subject),
      });
      return true;
    }, only);
    await ourClient(port, identified());
    await party.opened.reach(1);
    expect(seen).toEqual([{ authorized: true, servername: 'localhost', opened: 0, chain: ['CN=alice'] }]);
  });

  it('of a server refuses: nothing is opened, the client sees an orderly end without data', async () => {
    const blocked = new Error('alice is on the block list');
    const { port, party, refused } = await judging(() => blocked, only);
    const socket = startNodeClient(port, identified());
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    await once(socket, 'end');
    expect(bytes).toBe(0);
    expect(await refused.reach(1)).toEqual([
      expect.objectContaining({
        name: 'TlsError',
        code: 'ERR_TLS_VERIFY',
        message:
          'verifyPeer refused the peer: alice is on the block list. It must answer true, at once, to let a peer in.',
        cause: blocked,
      }),
    ]);
    expect(party.opened.items).toEqual([]);
    expect(party.closed.items).toEqual([]);
  });

  it('of a client refuses: connect rejects, the server sees an orderly end', async () => {
    const theirs = await nodeServer({ ...pem(server), ...only });
    const wrong = new Error('not the key that was pinned');
    const connecting = ourClient(theirs.port, {
      ca: authority.certificate,
      verifyPeer: () => wrong,
      ...only,
    });
    await expect(connecting).rejects.toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_VERIFY',
      cause: wrong,
    });
    const [socket] = await theirs.secured.reach(1);
    await once(socket!.resume(), 'end');
    expect(theirs.clientErrors.items).toEqual([]);
  });

  it('is asked for a resumed session too', async () => {
    const resumed: boolean[] = [];
    const { port, party } = await judging((peer) => {
      resumed.push(peer.resumed);
      return peer.peerCertificate()?.subject === 'CN=alice' || new Error('not alice');
    }, only);
    const first = startNodeClient(port, identified());
    const session = once(first, 'session');
    await once(first, 'secureConnect');
    (await party.opened.reach(1))[0]!.write('now the ticket is read too');
    const [ticket] = (await session) as [Buffer];
    await nodeClient(port, { ...identified(), session: ticket });
    await party.opened.reach(2);
    expect(resumed).toEqual([false, true]);
  });
});

describe('only true lets a peer in', () => {
  it.each<[string, () => unknown, string]>([
    ['false', () => false, 'it answered false'],
    ['nothing', () => undefined, 'it answered undefined'],
    ['a promise', () => Promise.resolve(true), 'it answered a promise'],
    ['1', () => 1, 'it answered 1'],
    [
      'an exception',
      () => {
        throw new TypeError('peer is not a function');
      },
      'peer is not a function',
    ],
  ])('not %s', async (_title, answer, reason) => {
    const { port } = await ourServer(pem(server));
    const connecting = ourClient(port, {
      ca: authority.certificate,
      verifyPeer: answer as VerifyPeer,
    });
    await expect(connecting).rejects.toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_VERIFY',
      message: `verifyPeer refused the peer: ${reason}. It must answer true, at once, to let a peer in.`,
      reason,
    });
  });
});

describe('with verification by OpenSSL given up, it can pin', () => {
  const pinned =
    (fingerprint: string): VerifyPeer =>
    (peer: TlsPeer) =>
      peer.peerFingerprint256() === fingerprint || new Error('another certificate');

  it('a server', async () => {
    const { port } = await ourServer(pem(server));
    const open: TlsClientOptions = { verify: false };
    const { conn } = await ourClient(port, open);
    const fingerprint = conn.tls!.peerFingerprint256()!;
    expect(conn.tls!.authorized).toBe(false);
    await ourClient(port, { ...open, verifyPeer: pinned(fingerprint) });
    await expect(ourClient(port, { ...open, verifyPeer: pinned('AB:CD') })).rejects.toMatchObject({
      cause: { message: 'another certificate' },
    });
  });

  it('clients that sign for themselves', async () => {
    const self = await selfSigned({ name: 'self', usage: 'clientAuth' });
    const seen = new Tally<TlsPeer>();
    const { port, party } = await ourServer({
      ...pem(server),
      clientCertificates: 'request',
      verifyPeer: (peer) => {
        seen.add(peer);
        return peer.peerCertificate() !== undefined || new Error('who are you?');
      },
    });
    await ourClient(port, { ca: authority.certificate, ...pem(self) });
    await party.opened.reach(1);
    expect(seen.items[0]).toMatchObject({ authorized: false });
    expect(seen.items[0]!.authorizationError).toMatchObject({ code: 'ERR_TLS_VERIFY' });
  });
});

describe('P21 verifyPeer may end the reactor that asks it', () => {
  it.each<true | Error>([true, new Error('no')])('and then answer %s', async (answer) => {
    const before = openDescriptors();
    const errors: Error[] = [];
    const reactor = createReactor({ onError: (error) => errors.push(error) });
    const refused = new Tally<Error>();
    const transport = tls({
      ...pem(server),
      clientCertificates: 'request',
      verifyPeer: () => {
        void reactor.shutdown({ deadlineMs: 0 });
        return answer;
      },
    });
    const party = new Party();
    const listening = await reactor.listen(
      { host: '127.0.0.1', port: 0, transport, onConnectionError: (error) => refused.add(error) },
      party,
    );
    const { port } = listening.address()!;
    const socket = startNodeClient(port, { ca: authority.certificate });
    socket.on('error', () => {});
    await once(socket.resume(), 'close');
    await reactor.shutdown({ deadlineMs: 0 });
    expect(errors).toEqual([]);
    expect(party.opened.items).toEqual([]);
    expect(refused.items).toMatchObject([{ code: 'ERR_SHUTDOWN_TIMEOUT' }]);
    expect(liveSessions()).toBe(0);
    expect(openDescriptors()).toBe(before);
  });
});

describe('what is no function is refused where it is made', () => {
  const verifyPeer = 'alice' as unknown as VerifyPeer;
  const refusal = expect.objectContaining({
    name: 'UsageError',
    code: 'ERR_OPTION_VALUE',
    message: 'verifyPeer must be a function that answers true or an Error.',
  });

  it('of a server', () => {
    expect(() => tls({ ...pem(server), clientCertificates: 'request', verifyPeer })).toThrow(refusal);
  });

  it('of a client', () => {
    expect(() => tlsClient({ verifyPeer })).toThrow(refusal);
  });
});
