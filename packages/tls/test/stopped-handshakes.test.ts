/** Peers that go silent in the middle of their handshake, after each byte that they could go silent after. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Connection, DEFAULT_LIMITS, type DiagnosticMessages } from '@sluice/reactor';
import { FakeClock } from '@sluice/reactor/testing';
import { type TlsClientOptions, type TlsOptions, tls } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { atRest } from './support/at-rest.ts';
import { liveSessions } from './support/process-state.ts';
import { recordedHello } from './support/recorded-hello.ts';
import { type Outcome, outcomeOf, StoppingPair } from './support/stopping.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const BIOS = ['shared', 'socket'] as const;

const CUT: Outcome = {
  class: 'TimeoutError',
  code: 'ERR_HANDSHAKE_TIMEOUT',
  message:
    'The peer did not complete its handshake within 10000 ms. Raise handshakeTimeoutMs if it needs longer.',
};

let authority: Issuer;
let server: Issuer;
let alice: Issuer;
// Signatures of RSA are of one length: a flight has as many bytes the next time.
beforeAll(async () => {
  authority = await selfSigned({ name: 'Test authority', authority: true });
  server = await authority.issue({ name: 'localhost', dns: ['localhost'], algorithm: 'rsa' });
  alice = await authority.issue({ name: 'alice', usage: 'clientAuth', algorithm: 'rsa' });
});

const pem = ({ certificate, key }: Issuer) => ({ cert: certificate + authority.certificate, key });
const upTo = (end: number, start = 0) => Array.from({ length: end - start }, (_, index) => start + index);

describe.each(BIOS)('bio: %j, each byte', { timeout: 120_000 }, (bio) => {
  describe.each(VERSIONS)('%s', (version) => {
    const only = { minVersion: version, maxVersion: version };
    const ends = (more: { server?: Partial<TlsOptions>; client?: TlsClientOptions } = {}) => ({
      server: { ...pem(server), ...only, bio, ...more.server },
      client: { ca: authority.certificate, ...only, bio, sessionCacheSize: 0, ...more.client },
    });

    it('P55 a client that stops after any byte of its flights is cut by the deadline, and leaves nothing', async () => {
      const pair = await StoppingPair.of('client', ends());
      const { bytes } = await pair.flights();
      expect(await pair.stopAt(upTo(bytes))).toEqual(Array(bytes).fill(CUT));
      expect(pair.waiting.stats()).toMatchObject({
        accepted: bytes + 1,
        opened: 1,
        handshakesFailed: bytes,
        deadlines: { handshake: bytes },
        closedBy: { timeout: bytes },
      });
    });

    it('P55 the same after any byte of its certificate and what follows', async () => {
      const asking = { clientCertificates: 'require', ca: authority.certificate } as const;
      const pair = await StoppingPair.of('client', ends({ server: asking, client: pem(alice) }));
      const { bytes, helloBytes } = await pair.flights();
      // Its ClientHello is the one that others send.
      const lengths = upTo(bytes, helloBytes);
      expect(lengths.length).toBeGreaterThan(1_000);
      expect(await pair.stopAt(lengths)).toEqual(Array(lengths.length).fill(CUT));
    });

    it('P55 a server that stops after any byte of its flights is cut by the client', async () => {
      const pair = await StoppingPair.of('server', ends({ server: { groups: 'X25519' } }));
      const { bytes } = await pair.flights();
      expect(await pair.stopAt(upTo(bytes))).toEqual(Array(bytes).fill(CUT));
      expect(pair.waiting.stats()).toMatchObject({ opened: 1, deadlines: { handshake: bytes } });
    });
  });
});

it.each(BIOS)(
  'P55 bio: %j: a client that does not take what the server answers is cut, its flight half sent',
  async (bio) => {
    const waits: string[] = [];
    const onDeadline = (message: unknown) => {
      const { connection, which } = message as DiagnosticMessages['sluice.deadline'];
      waits.push(`${which} ${connection.writeHalf}`);
    };
    subscribe('sluice.deadline', onDeadline);
    onTestFinished(() => void unsubscribe('sluice.deadline', onDeadline));
    const clock = new FakeClock();
    const reactor = testReactor({}, clock);
    const refused = new Tally<Error>();
    // A chain of more bytes than both sockets hold.
    const cert = server.certificate + authority.certificate.repeat(200);
    const transport = tls({ cert, key: server.key, bio });
    const { port = 0 } =
      (
        await reactor.listen(
          {
            host: '127.0.0.1',
            port: 0,
            transport,
            sendBufferBytes: 4096,
            onConnectionError: (error) => refused.add(error),
          },
          { onOpen: () => {} },
        )
      ).address() ?? {};
    const hello = await recordedHello();
    const clients = testReactor();
    for (let client = 0; client < 20; client += 1) {
      const deaf = {
        onOpen(conn: Connection) {
          conn.pause();
          conn.write(hello);
        },
      };
      await clients.connect({ host: '127.0.0.1', port, receiveBufferBytes: 4096 }, deaf);
    }
    await atRest(reactor, clients);
    expect(liveSessions()).toBe(20);
    clock.advance(DEFAULT_LIMITS.handshakeTimeoutMs + 100);
    expect((await refused.reach(20)).map(outcomeOf)).toEqual(Array(20).fill(CUT));
    expect(waits).toEqual(Array(20).fill('handshake blocked'));
    expect([liveSessions(), reactor.stats().connections]).toEqual([0, 0]);
  },
);
