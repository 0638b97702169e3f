import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addonPaths } from '../src/loader.ts';
import { FLAGS, FLAGS_1, readElf } from './support/elf.ts';
import { native } from './support/native.ts';

const addon = readElf(addonPaths()[0]!);
const OPENSSL_NAME =
  /^(SSL|TLS|DTLS|X509|EVP|ERR|BIO|BN|CRYPTO|OPENSSL|OSSL|ossl|PEM|ASN1|RAND|RSA|EC|DH|DSA|HMAC|SHA\d*|PKCS\d+|CONF|OBJ|d2i|i2d|COMP|ENGINE|UI|CMS|CT|TS)_/;

describe('the addon', () => {
  it('A6 defines its two registration symbols and nothing else', () => {
    const defined = addon.symbols.filter((symbol) => symbol.defined).map((symbol) => symbol.name);
    expect(defined.sort()).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  it('A6 expects no OpenSSL symbol from anybody', () => {
    const expected = addon.symbols.filter((symbol) => !symbol.defined).map((symbol) => symbol.name);
    expect(expected).toContain('napi_create_int32');
    expect(expected.filter((name) => OPENSSL_NAME.test(name))).toEqual([]);
  });

  it('takes from the node binary Node-API and libuv only, no name of V8 or of node itself', () => {
    const expected = addon.symbols.filter((symbol) => !symbol.defined).map((symbol) => symbol.name);
    expect(expected.filter((name) => /^_ZN?K?(2v8|4node)/.test(name))).toEqual([]);
  });

  it('P50 is bound at once, to itself first, and never unmapped', () => {
    expect(addon.flags & FLAGS.symbolic).toBe(FLAGS.symbolic);
    expect(addon.flags & FLAGS.bindNow).toBe(FLAGS.bindNow);
    expect(addon.flags1 & FLAGS_1.noDelete).toBe(FLAGS_1.noDelete);
  });

  it('B10 has no sanitizer and no planted faults in it as it is shipped', () => {
    const shipped = addonPaths({})[0]!;
    const expected = readElf(shipped).symbols.map((symbol) => symbol.name);
    expect(expected.filter((name) => /^__(asan|ubsan|lsan)_/.test(name))).toEqual([]);
    // Neither code nor debug information of that file.
    expect(readFileSync(shipped).includes('planted')).toBe(false);
  });

  it("A6 runs the OpenSSL that it was built with, not the node binary's", () => {
    const { opensslVersion, opensslCompiledVersion } = native.features();
    expect(opensslVersion).toBe(opensslCompiledVersion);
    const version = /^OpenSSL (\d+\.\d+\.\d+)/.exec(opensslVersion)![1]!;
    const nodes = /^\d+\.\d+\.\d+/.exec(process.versions.openssl)![0];
    // Where the two happen to be the same, as they may be some day, there is nothing to tell them apart by.
    if (version !== nodes) expect(opensslVersion).not.toContain(nodes);
  });
});
