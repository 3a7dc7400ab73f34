/* SHA-256 (FIPS 180-4), by nettle. The one module that includes it. */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX = 65 };

void digest_sha256(const void *bytes, size_t size, uint8_t out[DIGEST_BYTES]);

/* Several pieces, one digest. Pieces with NULL bytes and size 0 are allowed. */
struct digest_piece {
    const void *bytes;
    size_t size;
};
void digest_pieces(const struct digest_piece *pieces, size_t count, uint8_t out[DIGEST_BYTES]);

/* The same of bytes that come one after another. */
struct digest_sum {
    _Alignas(16) uint8_t state[256]; /* the library's */
};
void digest_begin(struct digest_sum *sum);
void digest_add(struct digest_sum *sum, const void *bytes, size_t size);
void digest_end(struct digest_sum *sum, uint8_t out[DIGEST_BYTES]);

/* Lower-case hexadecimal with a NUL. */
void digest_hex(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_HEX]);

#endif
