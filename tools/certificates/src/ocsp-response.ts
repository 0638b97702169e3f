/**
 * OCSP responses (RFC 6960) that say "good", signed by the issuer itself.
 *
 * Rule: DER by hand, for one fixed shape; this is not an ASN.1 library.
 */
import { createHash, createPrivateKey, createSign } from 'node:crypto';
import { X509Certificate } from '@peculiar/x509';

const SHA1_ID = sequence(oid('06052b0e03021a'), der(0x05));
const ECDSA_SHA256_ID = sequence(oid('06082a8648ce3d040302'));
const BASIC_RESPONSE = oid('06092b0601050507300101');
const HOUR_MS = 3_600_000;

/** DER of a response about `certificate` (PEM), made `atMs` from now, good for an hour; `issuer` has a P-256 key. */
export function ocspResponse(
  certificate: string,
  issuer: { readonly certificate: string; readonly key: string },
  atMs = 0,
): Buffer {
  const { serialNumber } = new X509Certificate(certificate);
  const authority = new X509Certificate(issuer.certificate);
  const keyHash = sha1(Buffer.from(authority.publicKey.rawData).subarray(-65));
  const id = sequence(
    SHA1_ID,
    der(0x04, sha1(Buffer.from(authority.subjectName.toArrayBuffer()))),
    der(0x04, keyHash),
    integer(serialNumber),
  );
  const single = sequence(id, der(0x80), time(atMs - HOUR_MS), der(0xa0, time(atMs + HOUR_MS)));
  const data = sequence(der(0xa2, der(0x04, keyHash)), time(atMs), sequence(single));
  const signature = createSign('sha256').update(data).sign(createPrivateKey(issuer.key));
  const basic = sequence(data, ECDSA_SHA256_ID, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  return sequence(der(0x0a, Buffer.of(0)), der(0xa0, sequence(BASIC_RESPONSE, der(0x04, basic))));
}

function sha1(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest();
}

function der(tag: number, content: Uint8Array = Buffer.alloc(0)): Buffer {
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** A positive INTEGER from its hex digits; the sign bit must not be set, and padding must be needed (X.690, 8.3.2). */
function integer(hex: string): Buffer {
  const isPadded = Number.parseInt(hex.slice(0, 2), 16) >= 0x80;
  return der(0x02, Buffer.from(`${isPadded ? '00' : ''}${hex}`, 'hex'));
}

function oid(encoded: string): Buffer {
  return Buffer.from(encoded, 'hex');
}

/** GeneralizedTime, `offsetMs` from now. */
function time(offsetMs: number): Buffer {
  const digits = new Date(Date.now() + offsetMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(digits));
}
