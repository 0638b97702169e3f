/*
 * The pseudorandom function of TLS 1.2 (RFC 5246 section 5), over the HMAC of tls_hmac.h. ssl/t1_enc.c includes it
 * (scripts/openssl-release.mjs), which otherwise goes through EVP_KDF and EVP_MAC: four times in a handshake, each of which
 * looks up both by name, under locks, and duplicates contexts of HMAC for every block.
 *
 * Rule: as of tls_hmac.h. What was secret is cleared before a function returns.
 */
#include "tls_hmac.h"

/* How many parts a seed has: the label is one of them. */
#define TLS12_SEEDS 5

static void tls12_prf(TLS_HASH *hash, const TLS_PART *seeds, const unsigned char *secret, size_t secretlen,
    unsigned char *out, size_t outlen)
{
    unsigned char hashed[SHA384_DIGEST_LENGTH], a[SHA384_DIGEST_LENGTH], block[SHA384_DIGEST_LENGTH];
    TLS_PART parts[1 + TLS12_SEEDS];
    size_t done, most;

    /* That of a finite field is as long as its prime, which HMAC takes in as its hash (RFC 2104 section 2). */
    if (secretlen > hash->block) {
        tls_hash_init(hash);
        tls_hash_update(hash, secret, secretlen);
        tls_hash_final(hash, hashed);
        secret = hashed;
        secretlen = hash->length;
    }
    memcpy(parts + 1, seeds, TLS12_SEEDS * sizeof(*seeds));
    parts[0].bytes = a;
    parts[0].length = hash->length;
    tls_hmac(hash, secret, secretlen, seeds, TLS12_SEEDS, a);
    for (done = 0; done < outlen; done += most) {
        tls_hmac(hash, secret, secretlen, parts, OSSL_NELEM(parts), block);
        most = outlen - done < hash->length ? outlen - done : hash->length;
        memcpy(out + done, block, most);
        tls_hmac(hash, secret, secretlen, parts, 1, a);
    }
    OPENSSL_cleanse(hashed, sizeof(hashed));
    OPENSSL_cleanse(a, sizeof(a));
    OPENSSL_cleanse(block, sizeof(block));
}
