/** JA4 after the examples of its specification, and ClientHellos in bytes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClientHello } from '../src/client-hello.ts';
import { type Ja4Parts, ja4 } from '../src/ja4.ts';

const numbers = (hex: string) => hex.split(',').map((digits) => Number.parseInt(digits, 16));

/** The ClientHello of the specification's example, in no particular order. */
const EXAMPLE: Ja4Parts = {
  legacyVersion: 0x0303,
  supportedVersions: numbers('dada,0304,0303'),
  cipherSuites: numbers('3a3a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'),
  extensions: numbers(
    '8a8a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015,4a4a',
  ),
  signatureAlgorithms: numbers('0403,0804,0401,0503,0805,0501,0806,0601'),
  firstAlpn: 'h2',
};

describe('a fingerprint', () => {
  test('is that of the specification', () => {
    expect(ja4(EXAMPLE)).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1');
  });

  test('does not depend on the order of suites and extensions, but on that of signature algorithms', () => {
    const { cipherSuites, extensions, signatureAlgorithms } = EXAMPLE;
    const shuffled = { cipherSuites: cipherSuites.toReversed(), extensions: extensions.toReversed() };
    expect(ja4({ ...EXAMPLE, ...shuffled })).toBe(ja4(EXAMPLE));
    const other = ja4({ ...EXAMPLE, signatureAlgorithms: signatureAlgorithms.toReversed() });
    expect(other.slice(0, 24)).toBe(ja4(EXAMPLE).slice(0, 24));
    expect(other).not.toBe(ja4(EXAMPLE));
  });

  test.each<[string, Partial<Ja4Parts>, RegExp]>([
    ['no server name', { extensions: [10] }, /^t13i1501h2_/],
    ['no application protocol', { firstAlpn: undefined }, /^t13d151600_/],
    ['one of a single letter', { firstAlpn: 'x' }, /^t13d1516xx_/],
    ['one that begins with a letter of no alphabet', { firstAlpn: '\xab\xcd' }, /^t13d1516ad_/],
    ['one that ends with one', { firstAlpn: 'a\xcd' }, /^t13d15166d_/],
    ['no list of versions', { supportedVersions: [] }, /^t12d/],
    ['a version of old', { supportedVersions: [], legacyVersion: 0x0300 }, /^ts3d/],
    ['a version that nobody knows', { supportedVersions: [0x7f1c] }, /^t00d/],
    ['no suites', { cipherSuites: [0x0a0a] }, /^t13d0016h2_000000000000_/],
    ['no extensions', { extensions: [], signatureAlgorithms: [] }, /^t13i1500h2_8daaf6152771_000000000000$/],
    ['a hundred suites', { cipherSuites: Array.from({ length: 100 }, (_, n) => n) }, /^t13d9916h2_/],
  ])('says %s', (_title, change, expected) => {
    expect(ja4({ ...EXAMPLE, ...change })).toMatch(expected);
  });
});

/** A ClientHello with its handshake header. */
function message(extensions: Buffer | undefined, suites = '13011302'): Buffer {
  const list = Buffer.from(suites, 'hex');
  const body = Buffer.concat([
    Buffer.from('0303', 'hex'),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    Buffer.from([list.length >> 8, list.length & 255]),
    list,
    Buffer.from([1, 0]),
    ...(extensions === undefined ? [] : [vector(2, extensions)]),
  ]);
  return Buffer.concat([Buffer.of(1), vector(3, body)]);
}

function vector(lengthBytes: number, bytes: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(bytes.length, 0, lengthBytes);
  return Buffer.concat([length, bytes]);
}

const extension = (type: number, body: Buffer) =>
  Buffer.concat([Buffer.of(type >> 8, type & 255), vector(2, body)]);

describe('a ClientHello', () => {
  test('may have no extensions at all', () => {
    for (const bytes of [message(undefined), message(Buffer.alloc(0))]) {
      const hello = new ClientHello(bytes);
      expect(hello).toMatchObject({ servername: undefined, alpn: [], extensions: [], groups: [] });
      expect(hello.versions).toEqual([{ code: 0x0303, name: 'TLSv1.2' }]);
      expect(hello.ja4).toMatch(/^t12i020000_[0-9a-f]{12}_000000000000$/);
    }
  });

  test('keeps extensions that nobody knows, in their order', () => {
    const extensions = Buffer.concat([
      extension(0x4a4a, Buffer.alloc(0)),
      extension(0xfe0d, Buffer.alloc(3)),
      extension(0, vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from('x.test'))]))),
    ]);
    const hello = new ClientHello(message(extensions, '1a1a1301'));
    expect(hello.extensions).toEqual([0x4a4a, 0xfe0d, 0]);
    expect(hello.servername).toBe('x.test');
    expect(hello.cipherSuites).toEqual([
      { code: 0x1a1a, name: undefined },
      { code: 0x1301, name: 'TLS_AES_128_GCM_SHA256' },
    ]);
    expect(hello.ja4).toMatch(/^t12d010200_/);
  });

  test('whose lengths lie is refused with a RangeError, and nothing else ever comes of it', () => {
    const good = message(
      Buffer.concat([
        extension(0, vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from('x.test'))]))),
        extension(16, vector(2, vector(1, Buffer.from('h2')))),
        extension(43, vector(1, Buffer.from('0304', 'hex'))),
      ]),
    );
    expect(new ClientHello(good)).toMatchObject({ servername: 'x.test', alpn: ['h2'] });
    const parse = (bytes: Buffer) => {
      try {
        new ClientHello(bytes);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(RangeError);
      }
    };
    const damage = fc.record({ at: fc.nat({ max: good.length - 1 }), byte: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(fc.array(damage, { maxLength: 4 }), fc.nat({ max: good.length }), (damages, length) => {
        const bytes = Buffer.from(good);
        for (const { at, byte } of damages) bytes[at] = byte;
        parse(bytes.subarray(0, length));
      }),
    );
  });
});
