/* SHA-256 against the examples of FIPS 180-4 and of NIST's byte test vectors. */
#include "tests/harness.h"

#include "core/digest.h"

#include <stdlib.h>
#include <string.h>

struct digest_case {
    const char *text;
    const char *wanted;
};

static const struct digest_case digest_cases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

TEST("SHA-256 gives the digests of FIPS 180-4")
{
    for (size_t i = 0; i < sizeof(digest_cases) / sizeof(digest_cases[0]); i++) {
        uint8_t digest[DIGEST_BYTES];
        char hex[DIGEST_HEX];

        digest_sha256(digest_cases[i].text, strlen(digest_cases[i].text), digest);
        digest_hex(digest, hex);
        CHECK_TEXT(hex, digest_cases[i].wanted);
    }
}

TEST("SHA-256 of a million letters a is right")
{
    enum { MILLION = 1000000 };
    char *letters = malloc(MILLION);
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    CHECK(letters != NULL);
    memset(letters, 'a', MILLION);
    digest_sha256(letters, MILLION, digest);
    digest_hex(digest, hex);
    CHECK_TEXT(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(letters);
}

TEST("pieces have the digest of the whole, wherever it is cut and with empty pieces between")
{
    uint8_t bytes[200], whole[DIGEST_BYTES], parts[DIGEST_BYTES];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + 7);
    digest_sha256(bytes, sizeof(bytes), whole);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        const struct digest_piece pieces[] = {
            {NULL, 0}, {bytes, cut}, {NULL, 0}, {bytes + cut, sizeof(bytes) - cut}};

        digest_pieces(pieces, 4, parts);
        CHECK(memcmp(whole, parts, sizeof(whole)) == 0);
    }
    digest_pieces(NULL, 0, parts);
    digest_sha256(NULL, 0, whole);
    CHECK(memcmp(whole, parts, sizeof(whole)) == 0);
}
