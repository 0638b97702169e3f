/*
 * HMAC (RFC 2104) over OpenSSL's hash functions themselves: what tls13_hkdf.h and tls12_prf.h derive keys with, and the binder of a
 * pre-shared key in ssl/statem/extensions.c. OpenSSL goes through EVP_MAC or EVP_PKEY, which look up the hash by name, under
 * locks, and allocate a handful of contexts, each time.
 *
 * Rule: nothing is computed here for a hash, a library context or a property query that is not the plain one: whatever
 * answers 0 goes the long way. What was secret is cleared before a function returns.
 */
#ifndef SLUICE_TLS_HMAC_H
#define SLUICE_TLS_HMAC_H

#include <string.h>
#include <openssl/sha.h>

/* SHA256_Init(3) and so on are deprecated for applications, which shall be able to choose a provider. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

typedef struct {
    int is_sha384;
    size_t length;
    size_t block;
    union {
        SHA256_CTX sha256;
        SHA512_CTX sha512;
    } state;
} TLS_HASH;

/* Bytes to be hashed one behind the other. */
typedef struct {
    const unsigned char *bytes;
    size_t length;
} TLS_PART;

static void tls_hash_init(TLS_HASH *hash)
{
    if (hash->is_sha384)
        SHA384_Init(&hash->state.sha512);
    else
        SHA256_Init(&hash->state.sha256);
}

static void tls_hash_update(TLS_HASH *hash, const unsigned char *bytes, size_t length)
{
    if (hash->is_sha384)
        SHA384_Update(&hash->state.sha512, bytes, length);
    else
        SHA256_Update(&hash->state.sha256, bytes, length);
}

static void tls_hash_final(TLS_HASH *hash, unsigned char *out)
{
    if (hash->is_sha384)
        SHA384_Final(out, &hash->state.sha512);
    else
        SHA256_Final(out, &hash->state.sha256);
}

#pragma GCC diagnostic pop

/* Whether `md` is one that can be computed here. */
static int tls_hash_choose(TLS_HASH *hash, OSSL_LIB_CTX *libctx, const char *propq, const EVP_MD *md)
{
    const int type = EVP_MD_get_type(md);

    if (libctx != NULL || propq != NULL || (type != NID_sha256 && type != NID_sha384))
        return 0;
    hash->is_sha384 = type == NID_sha384;
    hash->length = hash->is_sha384 ? SHA384_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
    hash->block = hash->is_sha384 ? SHA512_CBLOCK : SHA256_CBLOCK;
    return 1;
}

/* `key` has at most `hash->block` bytes. `out` may be one of `parts`. */
static void tls_hmac(TLS_HASH *hash, const unsigned char *key, size_t keylen,
    const TLS_PART *parts, size_t count, unsigned char *out)
{
    unsigned char pad[SHA512_CBLOCK];
    unsigned char inner[SHA384_DIGEST_LENGTH];
    size_t i;

    memset(pad, 0x36, hash->block);
    for (i = 0; i < keylen; i++)
        pad[i] ^= key[i];
    tls_hash_init(hash);
    tls_hash_update(hash, pad, hash->block);
    for (i = 0; i < count; i++)
        tls_hash_update(hash, parts[i].bytes, parts[i].length);
    tls_hash_final(hash, inner);

    for (i = 0; i < hash->block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    tls_hash_init(hash);
    tls_hash_update(hash, pad, hash->block);
    tls_hash_update(hash, inner, hash->length);
    tls_hash_final(hash, out);

    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(&hash->state, sizeof(hash->state));
}

#endif
