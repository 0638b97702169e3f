/**
 * What a client says before anything is chosen (ClientHello, RFC 8446 section 4.1.2).
 *
 * Rule: nothing here is authenticated, and everything was written by a stranger: each length is checked before it is used.
 */
import { loadNative } from '@sluice/core-native';
import { ja4 } from './ja4.ts';

/** A number of a registry of IANA's, with its name where it is known here. */
export interface Codepoint {
  readonly code: number;
  readonly name: string | undefined;
}

/** Type numbers of the extensions that are read. */
const TYPE = { serverName: 0, groups: 10, signatureAlgorithms: 13, alpn: 16, supportedVersions: 43 };
const HANDSHAKE_HEADER_BYTES = 4;
const RANDOM_BYTES = 32;

const VERSION_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0304, 'TLSv1.3'],
  [0x0303, 'TLSv1.2'],
  [0x0302, 'TLSv1.1'],
  [0x0301, 'TLSv1'],
  [0x0300, 'SSLv3'],
]);

let suiteNames: Readonly<Record<number, string>> | undefined;

/** All lists are in the client's order, values of GREASE (RFC 8701) included. */
export class ClientHello {
  /** The name that is asked for (SNI), as it was written; undefined when none was. */
  readonly servername: string | undefined;
  /** Application protocols, most wanted first. */
  readonly alpn: readonly string[];
  /** Versions: those of the extension, or the one of the legacy field. */
  readonly versions: readonly Codepoint[];
  readonly cipherSuites: readonly Codepoint[];
  /** Types of all extensions. */
  readonly extensions: readonly number[];
  /** Groups for the key exchange, and what the client verifies signatures with, by number. */
  readonly groups: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  private readonly legacyVersion: number;

  /** `message` has its handshake header in front. Throws a RangeError when a length in it cannot be. */
  constructor(message: Buffer) {
    const reader = new Reader(message.subarray(HANDSHAKE_HEADER_BYTES));
    this.legacyVersion = reader.integer(2);
    reader.skip(RANDOM_BYTES);
    reader.vector(1);
    const suites = reader.vector(2).integers();
    reader.vector(1);
    const bodies = readExtensions(reader);
    const list = (type: number, lengthBytes: number) =>
      bodies.get(type)?.vector(lengthBytes).integers() ?? [];
    const versions = list(TYPE.supportedVersions, 1);

    suiteNames ??= loadNative().cipherSuiteNames();
    const names = suiteNames;
    this.cipherSuites = suites.map((code) => ({ code, name: names[code] }));
    this.versions = (versions.length > 0 ? versions : [this.legacyVersion]).map((code) => ({
      code,
      name: VERSION_NAMES.get(code),
    }));
    this.extensions = [...bodies.keys()];
    this.groups = list(TYPE.groups, 2);
    this.signatureAlgorithms = list(TYPE.signatureAlgorithms, 2);
    this.servername = readServername(bodies.get(TYPE.serverName));
    this.alpn = bodies.get(TYPE.alpn)?.vector(2).texts() ?? [];
  }

  /** The client's fingerprint, see `ja4.ts`. Made anew at each call. */
  get ja4(): string {
    return ja4({
      legacyVersion: this.legacyVersion,
      supportedVersions: this.extensions.includes(TYPE.supportedVersions)
        ? this.versions.map(({ code }) => code)
        : [],
      cipherSuites: this.cipherSuites.map(({ code }) => code),
      extensions: this.extensions,
      signatureAlgorithms: this.signatureAlgorithms,
      firstAlpn: this.alpn[0],
    });
  }
}

function readExtensions(reader: Reader): Map<number, Reader> {
  const bodies = new Map<number, Reader>();
  // RFC 8446 section 4.1.2: clients of old leave the whole list out.
  const list = reader.isEmpty ? reader : reader.vector(2);
  while (!list.isEmpty) bodies.set(list.integer(2), list.vector(2));
  return bodies;
}

/** RFC 6066 section 3: a list of one host_name (type 0). */
function readServername(body: Reader | undefined): string | undefined {
  if (body === undefined) return undefined;
  const list = body.vector(2);
  return list.integer(1) === 0 ? list.vector(2).text() : undefined;
}

/** Reads from the front; what is not there throws a RangeError. */
class Reader {
  private bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  integer(size: number): number {
    return this.take(size).readUIntBE(0, size);
  }

  skip(size: number): void {
    this.take(size);
  }

  /** What is behind a length of `lengthBytes` bytes. */
  vector(lengthBytes: number): Reader {
    return new Reader(this.take(this.integer(lengthBytes)));
  }

  /** All that is left, two bytes each. */
  integers(): number[] {
    const values: number[] = [];
    while (!this.isEmpty) values.push(this.integer(2));
    return values;
  }

  /** All that is left, each with its length in one byte. */
  texts(): string[] {
    const values: string[] = [];
    while (!this.isEmpty) values.push(this.vector(1).text());
    return values;
  }

  /** All that is left, a byte for each character. */
  text(): string {
    return this.bytes.toString('latin1');
  }

  private take(size: number): Buffer {
    if (size > this.bytes.length) throw new RangeError('a ClientHello ends before its lengths say so');
    const taken = this.bytes.subarray(0, size);
    this.bytes = this.bytes.subarray(size);
    return taken;
  }
}
