/*
 * The key schedule of TLS 1.3 (RFC 8446 section 7.1) over OpenSSL's hash functions themselves: HMAC (RFC 2104), and HKDF's
 * two halves (RFC 5869) with TLS's labels. ssl/tls13_enc.c includes it (scripts/openssl-release.mjs), which otherwise goes
 * through EVP_KDF and EVP_MAC: fourteen of those for a handshake, each of which looks up its hash by name, under locks, and
 * allocates a dozen contexts.
 *
 * Rule: nothing is computed here for a hash, a library context or a property query that is not the plain one: whatever
 * answers 0 goes the long way. What was secret is cleared before a function returns.
 */
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
} TLS13_HASH;

/* Bytes to be hashed one behind the other. */
typedef struct {
    const unsigned char *bytes;
    size_t length;
} TLS13_PART;

static void tls13_hash_init(TLS13_HASH *hash)
{
    if (hash->is_sha384)
        SHA384_Init(&hash->state.sha512);
    else
        SHA256_Init(&hash->state.sha256);
}

static void tls13_hash_update(TLS13_HASH *hash, const unsigned char *bytes, size_t length)
{
    if (hash->is_sha384)
        SHA384_Update(&hash->state.sha512, bytes, length);
    else
        SHA256_Update(&hash->state.sha256, bytes, length);
}

static void tls13_hash_final(TLS13_HASH *hash, unsigned char *out)
{
    if (hash->is_sha384)
        SHA384_Final(out, &hash->state.sha512);
    else
        SHA256_Final(out, &hash->state.sha256);
}

#pragma GCC diagnostic pop

/* Whether `md` is one that can be computed here. */
static int tls13_hash_choose(TLS13_HASH *hash, OSSL_LIB_CTX *libctx, const char *propq, const EVP_MD *md)
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
static void tls13_hmac(TLS13_HASH *hash, const unsigned char *key, size_t keylen,
    const TLS13_PART *parts, size_t count, unsigned char *out)
{
    unsigned char pad[SHA512_CBLOCK];
    unsigned char inner[SHA384_DIGEST_LENGTH];
    size_t i;

    memset(pad, 0x36, hash->block);
    for (i = 0; i < keylen; i++)
        pad[i] ^= key[i];
    tls13_hash_init(hash);
    tls13_hash_update(hash, pad, hash->block);
    for (i = 0; i < count; i++)
        tls13_hash_update(hash, parts[i].bytes, parts[i].length);
    tls13_hash_final(hash, inner);

    for (i = 0; i < hash->block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    tls13_hash_init(hash);
    tls13_hash_update(hash, pad, hash->block);
    tls13_hash_update(hash, inner, hash->length);
    tls13_hash_final(hash, out);

    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(&hash->state, sizeof(hash->state));
}

/*
 * HKDF-Expand-Label with a `secret` of the hash's length. Without `data` its length has no say: a KeyUpdate gives that of a
 * hash all the same. 0 when the lengths are more than there is room for.
 */
static int tls13_expand_label(TLS13_HASH *hash, const unsigned char *secret,
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
        const TLS13_PART parts[] = {
            { block, counter == 0 ? 0 : hash->length },
            { head, sizeof(head) },
            { label_prefix, sizeof(label_prefix) - 1 },
            { label, labellen },
            { &datahead, 1 },
            { data, datalen },
            { &counter, 1 },
        };

        counter++;
        tls13_hmac(hash, secret, hash->length, parts, OSSL_NELEM(parts), block);
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
static int tls13_next_secret(TLS13_HASH *hash, const unsigned char *prevsecret,
    const unsigned char *insecret, size_t insecretlen, unsigned char *out)
{
    /* ASCII: "derived", in hex for EBCDIC compatibility */
    static const unsigned char derived[] = "\x64\x65\x72\x69\x76\x65\x64";
    static const unsigned char zeros[SHA384_DIGEST_LENGTH];
    unsigned char salt[SHA384_DIGEST_LENGTH] = { 0 };
    unsigned char nothing[SHA384_DIGEST_LENGTH];
    TLS13_PART part;

    part.bytes = insecret == NULL ? zeros : insecret;
    part.length = insecret == NULL ? hash->length : insecretlen;
    if (prevsecret != NULL) {
        tls13_hash_init(hash);
        tls13_hash_final(hash, nothing);
        if (!tls13_expand_label(hash, prevsecret, derived, sizeof(derived) - 1, nothing, hash->length,
                salt, hash->length))
            return 0;
    }
    tls13_hmac(hash, salt, hash->length, &part, 1, out);
    OPENSSL_cleanse(salt, sizeof(salt));
    return 1;
}
