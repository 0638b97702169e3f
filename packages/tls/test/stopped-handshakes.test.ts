/** Peers that go silent in the middle of their handshake, after each byte that they could go silent after. */
import type { TlsClientOptions, TlsOptions } from '@sluice/tls';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, StoppingPair } from './support/stopping.ts';

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

describe.each(BIOS)('bio: %j', (bio) => {
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
