/**
 * JA4, the fingerprint of a TLS client (FoxIO, "JA4: TLS Client Fingerprinting"): what it offers, whatever the order in
 * which it shuffles it.
 *
 * Rule: values of GREASE (RFC 8701) do not count anywhere.
 */
import { createHash } from 'node:crypto';

/** The parts of a ClientHello that go into its fingerprint: numbers as on the wire, in the client's order. */
export interface Ja4Parts {
  /** Of the legacy_version field, and of the extension supported_versions where there is one. */
  readonly legacyVersion: number;
  readonly supportedVersions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly extensions: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  /** The first name of ALPN, a byte for each character. */
  readonly firstAlpn: string | undefined;
}

const SERVER_NAME = 0;
const ALPN = 16;
const EMPTY = '000000000000';

const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0304, '13'],
  [0x0303, '12'],
  [0x0302, '11'],
  [0x0301, '10'],
  [0x0300, 's3'],
  [0x0002, 's2'],
]);

/** `t13d1516h2_8daaf6152771_e5627efa2ab1`, for instance. The first letter is always t: TLS over TCP is all there is here. */
export function ja4(parts: Ja4Parts): string {
  const suites = parts.cipherSuites.filter(counts);
  const extensions = parts.extensions.filter(counts);
  const start = [
    't',
    version(parts),
    extensions.includes(SERVER_NAME) ? 'd' : 'i',
    twoDigits(suites.length),
    twoDigits(extensions.length),
    alpnMark(parts.firstAlpn),
  ].join('');
  return `${start}_${hash(suites.map(hex).sort().join(','))}_${hash(offer(extensions, parts.signatureAlgorithms))}`;
}

/** Whether a value is not one of GREASE: two equal bytes that end in A. */
function counts(value: number): boolean {
  return (value & 0x0f0f) !== 0x0a0a || value >> 8 !== (value & 0xff);
}

function version({ legacyVersion, supportedVersions }: Ja4Parts): string {
  const offered = supportedVersions.filter(counts);
  return VERSIONS.get(offered.length > 0 ? Math.max(...offered) : legacyVersion) ?? '00';
}

/** Extensions sorted, without the two that depend on where the client goes; then what it signs with, in its order. */
function offer(extensions: readonly number[], signatureAlgorithms: readonly number[]): string {
  const sorted = extensions
    .filter((type) => type !== SERVER_NAME && type !== ALPN)
    .map(hex)
    .sort();
  const algorithms = signatureAlgorithms.filter(counts).map(hex);
  return algorithms.length > 0 ? `${sorted.join(',')}_${algorithms.join(',')}` : sorted.join(',');
}

function alpnMark(name: string | undefined): string {
  if (name === undefined || name === '') return '00';
  const ends = `${name.charAt(0)}${name.charAt(name.length - 1)}`;
  if (/^[0-9A-Za-z]{2}$/.test(ends)) return ends;
  const digits = Buffer.from(name, 'latin1').toString('hex');
  return `${digits.charAt(0)}${digits.charAt(digits.length - 1)}`;
}

function twoDigits(count: number): string {
  return String(Math.min(count, 99)).padStart(2, '0');
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0');
}

function hash(text: string): string {
  return text === '' ? EMPTY : createHash('sha256').update(text).digest('hex').slice(0, 12);
}
