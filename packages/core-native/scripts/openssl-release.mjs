// The one OpenSSL that Sluice is built with: version, hash and how it is configured.
// Rule: whatever changes the resulting library is part of `buildKey`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cCompiler } from './required-tools.mjs';

export const OPENSSL = {
  version: '3.5.7',
  sha256: 'a8c0d28a529ca480f9f36cf5792e2cd21984552a3c8e4aa11a24aa31aeac98e8',
  tarball: 'openssl-3.5.7.tar.gz',
  url: 'https://github.com/openssl/openssl/releases/download/openssl-3.5.7/openssl-3.5.7.tar.gz',
  debianSuite: 'trixie',
};

/**
 * The prefix is the system's and not the cache's: it is written into the library, where it must neither
 * depend on who built it nor name a folder that somebody else could fill with an openssl.cnf.
 */
export const CONFIGURE_FLAGS = [
  'enable-ktls',
  'no-shared',
  'no-tests',
  'no-docs',
  'no-apps',
  'no-module',
  'no-legacy',
  'no-engine',
  'no-comp',
  'no-ssl3',
  'no-dtls',
  'no-quic',
  // Of no use here, and each of them has fields in every session.
  'no-srp',
  'no-ct',
  'no-nextprotoneg',
  '-fPIC',
  // Calls between its own functions go straight, and may be inlined: none of them is to be replaced from outside.
  '-fvisibility=hidden',
  '-fno-semantic-interposition',
  '--prefix=/usr',
  '--libdir=lib',
  '--openssldir=/etc/ssl',
];

/**
 * Lines of the source that are changed before it is configured; each must be there, exactly once.
 *
 * Pipelines: an idle session holds two record layers with arrays of that many entries, 9 KiB that only an engine which
 * encrypts several records at a time could use; they are also cleared for every write.
 *
 * Keys of the handshake: both ephemeral ones are kept for as long as the session lives, only to be shown by
 * SSL_get_tmp_key(3), which nothing here asks for. Gone with the handshake, none of them can be found in a memory dump
 * afterwards, and an idle session holds less: 7 KiB with X25519MLKEM768, which is what browsers negotiate.
 *
 * What a handshake of TLS 1.3 leaves behind: two digests of its messages, what either side said it can do, and a copy of the
 * context's certificates and settings, which the session shares from then on. All of it would be for certificates that are asked
 * of a client after the handshake, and for being shown: nothing here does either. A client that announced it would answer
 * keeps it. TLS 1.2 keeps it, too, for it may renegotiate. 2.3 KiB, in two dozen allocations.
 *
 * Between two keys: what was read ahead of a change of keys is handed on in a buffer that every record layer has for that.
 * Who reads a record at a time, as our shared buffers have it, has nothing to hand on. With kernel TLS reading ahead may begin
 * after the handshake; who else began that late would have nowhere to put it, and the session would fail. (As OpenSSL has it, it
 * would then free the old record layer a second time.)
 *
 * Nonces: each key of AES-GCM has room for one of 128 bytes. TLS has 12.
 *
 * Key schedule: TLS 1.3's, by HMAC over the hash functions themselves (openssl/tls13_hkdf.h). OpenSSL's way to it is longer than
 * what is computed: it looks up its hash by name, locks included, some twenty times in each handshake, and finds the same
 * every time, as there is one library context, and one provider in it. So it is with the binder of a pre-shared key, which each
 * resumption checks, and with TLS 1.2's pseudorandom function (openssl/tls_hmac.h, openssl/tls12_prf.h).
 *
 * Messages: their buffer begins with 16 KiB, which are cleared when it is made and again when it goes, for messages of some
 * hundred bytes; a ticket behind the handshake is another one. It grows to what a message needs anyway. A server's begins with a
 * quarter; a client's does not, for it writes binders by address.
 */
export const CHANGED_LINES = [
  {
    file: 'include/openssl/ssl.h.in',
    line: '#define SSL_MAX_PIPELINES 32',
    becomes: '#define SSL_MAX_PIPELINES 1',
  },
  {
    file: 'ssl/statem/statem_lib.c',
    line: '        ssl3_cleanup_key_block(s);',
    becomes: [
      '        ssl3_cleanup_key_block(s);',
      '        EVP_PKEY_free(s->s3.peer_tmp);',
      '        s->s3.peer_tmp = NULL;',
      '        while (s->s3.tmp.num_ks_pkey > 0) {',
      '            EVP_PKEY *share = s->s3.tmp.ks_pkey[--s->s3.tmp.num_ks_pkey];',
      '            if (s->s3.tmp.pkey == share)',
      '                s->s3.tmp.pkey = NULL;',
      '            EVP_PKEY_free(share);',
      '            s->s3.tmp.ks_pkey[s->s3.tmp.num_ks_pkey] = NULL;',
      '        }',
      '        EVP_PKEY_free(s->s3.tmp.pkey);',
      '        s->s3.tmp.pkey = NULL;',
    ].join('\n'),
  },
  {
    file: 'ssl/statem/statem_lib.c',
    line: '        s->ext.ticket_expected = 0;',
    becomes: [
      '        s->ext.ticket_expected = 0;',
      '        if (SSL_CONNECTION_IS_TLS13(s)',
      '            && (s->server || s->post_handshake_auth == SSL_PHA_NONE)) {',
      '            int references;',
      '',
      '            ssl3_free_digest_list(s);',
      '            EVP_MD_CTX_free(s->pha_dgst);',
      '            s->pha_dgst = NULL;',
      '            sk_SSL_CIPHER_free(s->peer_ciphers);',
      '            s->peer_ciphers = NULL;',
      '            OPENSSL_free(s->shared_sigalgs);',
      '            s->shared_sigalgs = NULL;',
      '            s->shared_sigalgslen = 0;',
      '            OPENSSL_free(s->s3.tmp.peer_sigalgs);',
      '            s->s3.tmp.peer_sigalgs = NULL;',
      '            s->s3.tmp.peer_sigalgslen = 0;',
      '            OPENSSL_free(s->s3.tmp.peer_cert_sigalgs);',
      '            s->s3.tmp.peer_cert_sigalgs = NULL;',
      '            s->s3.tmp.peer_cert_sigalgslen = 0;',
      '            OPENSSL_free(s->s3.tmp.valid_flags);',
      '            s->s3.tmp.valid_flags = NULL;',
      '            OPENSSL_free(s->s3.tmp.ciphers_raw);',
      '            s->s3.tmp.ciphers_raw = NULL;',
      '            s->s3.tmp.ciphers_rawlen = 0;',
      '            OPENSSL_free(s->ext.peer_supportedgroups);',
      '            s->ext.peer_supportedgroups = NULL;',
      '            s->ext.peer_supportedgroups_len = 0;',
      '            OPENSSL_free(s->ext.supportedgroups);',
      '            s->ext.supportedgroups = NULL;',
      '            s->ext.supportedgroups_len = 0;',
      '            OPENSSL_free(s->ext.keyshares);',
      '            s->ext.keyshares = NULL;',
      '            s->ext.keyshares_len = 0;',
      '            OPENSSL_free(s->ext.tuples);',
      '            s->ext.tuples = NULL;',
      '            s->ext.tuples_len = 0;',
      '            sk_SSL_CIPHER_free(s->tls13_ciphersuites);',
      '            s->tls13_ciphersuites = NULL;',
      '            if (s->cert != sctx->cert',
      '                && CRYPTO_UP_REF(&sctx->cert->references, &references)) {',
      '                ssl_cert_free(s->cert);',
      '                s->cert = sctx->cert;',
      '                s->s3.tmp.cert = NULL;',
      '            }',
      '        }',
    ].join('\n'),
  },
  {
    file: 'ssl/record/rec_layer_s3.c',
    line: '                next = BIO_new(BIO_s_mem());',
    becomes: [
      '                if (level == OSSL_RECORD_PROTECTION_LEVEL_NONE || s->rlayer.read_ahead',
      '                    || (s->options & SSL_OP_ENABLE_KTLS) != 0)',
      '                    next = BIO_new(BIO_s_mem());',
    ].join('\n'),
  },
  {
    file: 'ssl/record/rec_layer_s3.c',
    line: '            if (next == NULL) {',
    becomes: [
      '            if (next == NULL',
      '                && (level == OSSL_RECORD_PROTECTION_LEVEL_NONE || s->rlayer.read_ahead',
      '                    || (s->options & SSL_OP_ENABLE_KTLS) != 0)) {',
    ].join('\n'),
  },
  {
    file: 'ssl/record/rec_layer_s3.c',
    line: '        if (*thismethod != NULL && !(*thismethod)->free(*thisrl)) {',
    becomes: [
      '        const int freed = *thismethod == NULL || (*thismethod)->free(*thisrl);',
      '',
      '        *thisrl = newrl;',
      '        *thismethod = meth;',
      '        if (!freed) {',
    ].join('\n'),
  },
  {
    file: 'providers/implementations/include/prov/ciphercommon_gcm.h',
    line: '#define GCM_IV_MAX_SIZE (1024 / 8)',
    becomes: '#define GCM_IV_MAX_SIZE 16',
  },
  {
    file: 'ssl/tls13_enc.c',
    line: 'static const unsigned char label_prefix[] = "\\x74\\x6C\\x73\\x31\\x33\\x20";',
    becomes: [
      'static const unsigned char label_prefix[] = "\\x74\\x6C\\x73\\x31\\x33\\x20";',
      '#include "tls13_hkdf.h"',
    ].join('\n'),
  },
  {
    file: 'ssl/tls13_enc.c',
    line: '    EVP_KDF *kdf = EVP_KDF_fetch(libctx, OSSL_KDF_NAME_TLS1_3_KDF, propq);',
    becomes: [
      '    TLS_HASH direct;',
      '    if (tls_hash_choose(&direct, libctx, propq, md)',
      '        && tls13_expand_label(&direct, secret, label, labellen, data, datalen, out, outlen))',
      '        return 1;',
      '    EVP_KDF *kdf = EVP_KDF_fetch(libctx, OSSL_KDF_NAME_TLS1_3_KDF, propq);',
    ].join('\n'),
  },
  {
    file: 'ssl/tls13_enc.c',
    line: '    kdf = EVP_KDF_fetch(sctx->libctx, OSSL_KDF_NAME_TLS1_3_KDF, sctx->propq);',
    becomes: [
      '    TLS_HASH direct;',
      '    if (tls_hash_choose(&direct, sctx->libctx, sctx->propq, md)',
      '        && tls13_next_secret(&direct, prevsecret, insecret, insecretlen, outsecret))',
      '        return 1;',
      '    kdf = EVP_KDF_fetch(sctx->libctx, OSSL_KDF_NAME_TLS1_3_KDF, sctx->propq);',
    ].join('\n'),
  },
  {
    file: 'ssl/tls13_enc.c',
    line: '    if (!EVP_Q_mac(sctx->libctx, "HMAC", sctx->propq, mdname,',
    becomes: [
      '    TLS_HASH direct;',
      '    if (tls_hash_choose(&direct, sctx->libctx, sctx->propq, md)) {',
      '        const TLS_PART part = { hash, hashlen };',
      '        tls_hmac(&direct, key, hashlen, &part, 1, out);',
      '        len = hashlen;',
      '        goto err;',
      '    }',
      '    if (!EVP_Q_mac(sctx->libctx, "HMAC", sctx->propq, mdname,',
    ].join('\n'),
  },
  {
    file: 'ssl/statem/extensions.c',
    line: '#include "statem_local.h"',
    becomes: ['#include "statem_local.h"', '#include "../tls_hmac.h"'].join('\n'),
  },
  {
    file: 'ssl/statem/extensions.c',
    line: '    mackey = EVP_PKEY_new_raw_private_key_ex(sctx->libctx, "HMAC",',
    becomes: [
      '    TLS_HASH direct;',
      '    if (tls_hash_choose(&direct, sctx->libctx, sctx->propq, md)) {',
      '        const TLS_PART part = { hash, hashsize };',
      '        if (!sign)',
      '            binderout = tmpbinder;',
      '        tls_hmac(&direct, finishedkey, hashsize, &part, 1, binderout);',
      '        goto made;',
      '    }',
      '    mackey = EVP_PKEY_new_raw_private_key_ex(sctx->libctx, "HMAC",',
    ].join('\n'),
  },
  {
    file: 'ssl/statem/extensions.c',
    line: '    if (sign) {',
    becomes: ['made:', '    if (sign) {'].join('\n'),
  },
  {
    file: 'ssl/t1_enc.c',
    line: '#include <openssl/trace.h>',
    becomes: ['#include <openssl/trace.h>', '#include "tls12_prf.h"'].join('\n'),
  },
  {
    file: 'ssl/t1_enc.c',
    line: '    kdf = EVP_KDF_fetch(SSL_CONNECTION_GET_CTX(s)->libctx,',
    becomes: [
      '    TLS_HASH direct;',
      '    if (tls_hash_choose(&direct, SSL_CONNECTION_GET_CTX(s)->libctx, SSL_CONNECTION_GET_CTX(s)->propq, md)) {',
      '        const TLS_PART seeds[TLS12_SEEDS] = {',
      '            { seed1, seed1_len }, { seed2, seed2_len }, { seed3, seed3_len },',
      '            { seed4, seed4_len }, { seed5, seed5_len }',
      '        };',
      '        tls12_prf(&direct, seeds, sec, slen, out, olen);',
      '        return 1;',
      '    }',
      '    kdf = EVP_KDF_fetch(SSL_CONNECTION_GET_CTX(s)->libctx,',
    ].join('\n'),
  },
  {
    file: 'ssl/statem/statem.c',
    line: '            if (!BUF_MEM_grow(buf, SSL3_RT_MAX_PLAIN_LENGTH)) {',
    becomes: '            if (!BUF_MEM_grow(buf, SSL3_RT_MAX_PLAIN_LENGTH / (s->server ? 4 : 1))) {',
  },
];

/**
 * Objects that are optimized as one when the addon is linked, and with the addon, as patterns of make(1): what stands around
 * the arithmetic, half of a handshake. Nothing in them decides by the value of a secret. What does, or clears one, or computes
 * with one is left as its authors wrote it, each function for itself: they advise against optimizing across files, for it may find
 * out that what always takes the same time need not. So no ciphers, hashes and curves, no record padding, no CRYPTO_memcmp
 * and OPENSSL_cleanse (cpuid, mem_clr), and no providers.
 */
export const OPTIMIZED_TOGETHER = [
  'ssl/libssl-lib-%.o',
  'ssl/statem/libssl-lib-%.o',
  'ssl/record/libssl-lib-%.o',
  'ssl/record/methods/libssl-lib-tls_common.o',
  'ssl/record/methods/libssl-lib-tls13_meth.o',
  ...['asn1', 'bio', 'buffer', 'err', 'hashtable', 'lhash', 'objects', 'property', 'stack', 'x509'].map(
    (folder) => `crypto/${folder}/libcrypto-lib-%.o`,
  ),
  ...['digest', 'evp_enc', 'evp_fetch', 'evp_lib', 'evp_rand', 'evp_utils', 'exchange', 'kdf_lib'].map(
    (file) => `crypto/evp/libcrypto-lib-${file}.o`,
  ),
  ...[
    'keymgmt_lib',
    'keymgmt_meth',
    'm_sigver',
    'mac_lib',
    'p_lib',
    'pmeth_gn',
    'pmeth_lib',
    'signature',
  ].map((file) => `crypto/evp/libcrypto-lib-${file}.o`),
  ...[
    'context',
    'core_algorithm',
    'core_fetch',
    'core_namemap',
    'cryptlib',
    'ex_data',
    'init',
    'initthread',
  ].map((file) => `crypto/libcrypto-lib-${file}.o`),
  ...['mem', 'o_str', 'packet', 'param_build', 'params', 'provider', 'provider_core', 'sparse_array'].map(
    (file) => `crypto/libcrypto-lib-${file}.o`,
  ),
  'crypto/libcrypto-lib-threads_pthread.o',
];

/** GCC's for that. The machine code is there as well, for whoever links without such a GCC, or with sanitizers. */
export const OPTIMIZED_TOGETHER_FLAGS = '-flto -ffat-lto-objects';

/** Files of ours that go into the source, by where they go. */
export const ADDED_FILES = {
  'ssl/tls_hmac.h': join(import.meta.dirname, '../openssl/tls_hmac.h'),
  'ssl/tls13_hkdf.h': join(import.meta.dirname, '../openssl/tls13_hkdf.h'),
  'ssl/tls12_prf.h': join(import.meta.dirname, '../openssl/tls12_prf.h'),
};

/** What the compiler says about itself, and the flags from the environment that Configure takes over. */
export function compilerIdentity(compiler = cCompiler(), env = process.env) {
  const [program, ...args] = compiler.split(' ');
  const { stderr } = spawnSync(program, [...args, '-v'], { encoding: 'utf8', env });
  return [compiler, stderr, env.CPPFLAGS, env.CFLAGS, env.LDFLAGS].map((part) => part ?? '').join('\n');
}

/** Of what {@link compilerIdentity} says: GCC's version, if it is GCC. */
export const gccVersion = (identity) => /^gcc version (\S+)/m.exec(identity)?.[1];

/** Names one build of OpenSSL, for the processor `arch`: equal keys mean interchangeable libraries. */
export function buildKey(compiler = compilerIdentity(), addedFiles = ADDED_FILES, arch = process.arch) {
  const added = Object.entries(addedFiles).map(([file, from]) => [file, readFileSync(from, 'utf8')]);
  const changes = JSON.stringify([CHANGED_LINES, added, OPTIMIZED_TOGETHER, OPTIMIZED_TOGETHER_FLAGS]);
  const parts = [OPENSSL.version, OPENSSL.sha256, changes, ...CONFIGURE_FLAGS, compiler, arch];
  return `openssl-${OPENSSL.version}-${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)}`;
}
