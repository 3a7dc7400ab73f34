/* SHA-256 by nettle. Knows nothing of what is digested. */
#include "core/digest.h"

#include <nettle/sha2.h>

_Static_assert(DIGEST_BYTES == SHA256_DIGEST_SIZE, "the header's size is SHA-256's");
_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct digest_sum), "the state has room");

void digest_sha256(const void *bytes, size_t size, uint8_t out[DIGEST_BYTES])
{
    const struct digest_piece piece = {bytes, size};

    digest_pieces(&piece, 1, out);
}

void digest_begin(struct digest_sum *sum)
{
    sha256_init((struct sha256_ctx *)sum->state);
}

void digest_add(struct digest_sum *sum, const void *bytes, size_t size)
{
    if (size > 0)
        sha256_update((struct sha256_ctx *)sum->state, size, bytes);
}

void digest_end(struct digest_sum *sum, uint8_t out[DIGEST_BYTES])
{
    sha256_digest((struct sha256_ctx *)sum->state, DIGEST_BYTES, out);
}

void digest_pieces(const struct digest_piece *pieces, size_t count, uint8_t out[DIGEST_BYTES])
{
    struct digest_sum sum;

    digest_begin(&sum);
    for (size_t i = 0; i < count; i++)
        digest_add(&sum, pieces[i].bytes, pieces[i].size);
    digest_end(&sum, out);
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
