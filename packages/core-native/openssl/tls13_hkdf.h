/*
 * The key schedule of TLS 1.3 (RFC 8446 section 7.1): HKDF's two halves (RFC 5869) with TLS's labels, over the HMAC of
 * tls_hmac.h. ssl/tls13_enc.c includes it (scripts/openssl-release.mjs), which otherwise goes through EVP_KDF and EVP_MAC:
 * fourteen of those for a handshake, each of which looks up its hash by name, under locks, and allocates a dozen contexts.
 *
 * Rule: as of tls_hmac.h. What was secret is cleared before a function returns.
 */
#include "tls_hmac.h"

/*
 * HKDF-Expand-Label with a `secret` of the hash's length. Without `data` its length has no say: a KeyUpdate gives that of a
 * hash all the same. 0 when the lengths are more than there is room for.
 */
static int tls13_expand_label(TLS_HASH *hash, const unsigned char *secret,
    const unsigned char *label, size_t labellen, const unsigned char *data, size_t datalen,
    unsigned char *out, size_t outlen)
{
    unsigned char block[SHA384_DIGEST_LENGTH];
    unsigned char head[3], counter = 0, datahead;
    size_t done, most;

    if (data == NULL)
        datalen = 0;
    if (labellen > TLS13_MAX_LABEL_LEN || datalen > 255 || outlen > 255 * hash->length)
        return 0;
    head[0] = (unsigned char)(outlen >> 8);
    head[1] = (unsigned char)outlen;
    head[2] = (unsigned char)(sizeof(label_prefix) - 1 + labellen);
    datahead = (unsigned char)datalen;
    for (done = 0; done < outlen; done += most) {
        const TLS_PART parts[] = {
            { block, counter == 0 ? 0 : hash->length },
            { head, sizeof(head) },
            { label_prefix, sizeof(label_prefix) - 1 },
            { label, labellen },
            { &datahead, 1 },
            { data, datalen },
            { &counter, 1 },
        };

        counter++;
        tls_hmac(hash, secret, hash->length, parts, OSSL_NELEM(parts), block);
        most = outlen - done < hash->length ? outlen - done : hash->length;
        memcpy(out + done, block, most);
    }
    OPENSSL_cleanse(block, sizeof(block));
    return 1;
}

/*
 * The next secret of the schedule: HKDF-Extract of `insecret` (zeros when it is NULL), salted with what is derived from
 * `prevsecret` (zeros when it is NULL). `out` may be `prevsecret`.
 */
static int tls13_next_secret(TLS_HASH *hash, const unsigned char *prevsecret,
    const unsigned char *insecret, size_t insecretlen, unsigned char *out)
{
    /* ASCII: "derived", in hex for EBCDIC compatibility */
    static const unsigned char derived[] = "\x64\x65\x72\x69\x76\x65\x64";
    static const unsigned char zeros[SHA384_DIGEST_LENGTH];
    unsigned char salt[SHA384_DIGEST_LENGTH] = { 0 };
    unsigned char nothing[SHA384_DIGEST_LENGTH];
    TLS_PART part;

    part.bytes = insecret == NULL ? zeros : insecret;
    part.length = insecret == NULL ? hash->length : insecretlen;
    if (prevsecret != NULL) {
        tls_hash_init(hash);
        tls_hash_final(hash, nothing);
        if (!tls13_expand_label(hash, prevsecret, derived, sizeof(derived) - 1, nothing, hash->length,
                salt, hash->length))
            return 0;
    }
    tls_hmac(hash, salt, hash->length, &part, 1, out);
    OPENSSL_cleanse(salt, sizeof(salt));
    return 1;
}
