/* SHA-256 by nettle. Knows nothing of what is digested. */
#include "core/digest.h"

#include <stdlib.h>

#include <nettle/sha2.h>

_Static_assert(DIGEST_BYTES == SHA256_DIGEST_SIZE, "the header's size is SHA-256's");

void digest_sha256(const void *bytes, size_t size, uint8_t out[DIGEST_BYTES])
{
    const struct digest_piece piece = {bytes, size};

    digest_pieces(&piece, 1, out);
}

void digest_pieces(const struct digest_piece *pieces, size_t count, uint8_t out[DIGEST_BYTES])
{
    struct sha256_ctx state;

    sha256_init(&state);
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size > 0)
            sha256_update(&state, pieces[i].size, pieces[i].bytes);
    sha256_digest(&state, DIGEST_BYTES, out);
}

struct digest {
    struct sha256_ctx state;
};

struct digest *digest_begin(void)
{
    struct digest *digest = malloc(sizeof(*digest));

    if (digest)
        sha256_init(&digest->state);
    return digest;
}

void digest_add(struct digest *digest, const void *bytes, size_t size)
{
    sha256_update(&digest->state, size, bytes);
}

void digest_end(struct digest *digest, uint8_t out[DIGEST_BYTES])
{
    if (!digest)
        return;
    sha256_digest(&digest->state, DIGEST_BYTES, out);
    free(digest);
}

void digest_hex(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[DIGEST_HEX - 1] = '\0';
}
