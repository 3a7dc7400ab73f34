/* Protobuf: see protobuf.h. */
#include "server/protobuf.h"

#include <string.h>

/* How a value is written. */
enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static void put_varint(struct body *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;

    for (; value > 127; value >>= 7)
        bytes[size++] = (uint8_t)(value | 128);
    bytes[size++] = (uint8_t)value;
    body_put(out, bytes, size);
}

static void put_key(struct body *out, int field, int wire)
{
    put_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

void protobuf_integer(struct body *out, int field, int64_t value)
{
    put_key(out, field, WIRE_VARINT);
    put_varint(out, (uint64_t)value);
}

void protobuf_float(struct body *out, int field, float value)
{
    put_key(out, field, WIRE_FIXED32);
    body_put(out, &value, sizeof(value));
}

void protobuf_opening(struct body *out, int field, uint64_t size)
{
    put_key(out, field, WIRE_BYTES);
    put_varint(out, size);
}

void protobuf_bytes(struct body *out, int field, const void *bytes, size_t size)
{
    protobuf_opening(out, field, size);
    body_put(out, bytes, size);
}

void protobuf_text(struct body *out, int field, const char *text)
{
    protobuf_bytes(out, field, text, strlen(text));
}

void protobuf_message(struct body *out, int field, struct body *message)
{
    out->failed |= message->failed;
    protobuf_bytes(out, field, message->bytes, message->size);
    body_drop(message);
}
