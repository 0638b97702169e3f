/**
 * Certificates, CRLs and OCSP responses with bytes changed: each is taken or refused with a code, whatever it has become.
 *
 * PKCS #12 is left out: a changed iteration count of its key derivation may keep OpenSSL busy for hours.
 */
import { ocspResponse } from '@sluice-internal/certificates';
import { array, assert, constantFrom, nat, property, record } from 'fast-check';
import { expect, it } from 'vitest';
import { identityFor } from './support/identity.ts';
import { leavesNothingBehind } from './support/native.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });

interface Damage {
  readonly changes: readonly { readonly at: number; readonly value: number }[];
  readonly cut: number;
}

/** Some bytes of something replaced, and possibly its end cut off. */
const damage = record({
  changes: array(record({ at: nat(), value: nat(255) }), { maxLength: 4 }),
  cut: constantFrom(0, 0, 0, 1, 7, 100),
});

function damaged(bytes: Buffer, { changes, cut }: Damage): Buffer {
  const copy = Buffer.from(bytes);
  for (const { at, value } of changes) copy[at % copy.length] = value;
  return copy.subarray(0, Math.max(1, copy.length - cut));
}

/** DER in PEM, so that damage gets past the armour. */
function armoured(der: Buffer, label: string): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

it('P37 damaged certificates, anchors, CRLs and staples are taken or refused with a code', async () => {
  const crl = derOf(await identity.authority.revoke([identity.leaf.certificate]));
  const certificate = derOf(identity.leaf.certificate);
  const staple = ocspResponse(identity.leaf.certificate, identity.authority);
  const kinds = {
    crls: (how: Damage) => ({ crls: [armoured(damaged(crl, how), 'X509 CRL')] }),
    trustAnchors: (how: Damage) => ({
      trustAnchors: [armoured(damaged(certificate, how), 'CERTIFICATE')],
    }),
    certificateChain: (how: Damage) => ({
      certificateChain: armoured(damaged(certificate, how), 'CERTIFICATE'),
    }),
    ocspStaple: (how: Damage) => ({ ocspStaple: damaged(staple, how) }),
  };
  const kind = constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[]));
  assert(
    property(kind, damage, (name, how) => {
      try {
        expect(identity.server({ requestCertificate: true, ...kinds[name](how) }).role).toBe('server');
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^ERR_TLS_/);
      }
    }),
    { numRuns: 2000 },
  );
});
