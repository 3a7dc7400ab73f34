/* Protobuf: the wire format of protocol buffers, as far as writing takes it. Knows no message.
 *
 * A message is the fields of its body one after another: a key (number of the field and how its
 * value is written), then the value (https://protobuf.dev/programming-guides/encoding). Fields may
 * stand in any order, repeated ones in theirs. Failures stick in the body. */
#ifndef SERVER_PROTOBUF_H
#define SERVER_PROTOBUF_H

#include "server/body.h"

void protobuf_integer(struct body *out, int field, int64_t value);
void protobuf_float(struct body *out, int field, float value);
void protobuf_bytes(struct body *out, int field, const void *bytes, size_t size);
void protobuf_text(struct body *out, int field, const char *text);
/* Appends the message and empties it. */
void protobuf_message(struct body *out, int field, struct body *message);
/* The beginning alone of bytes or of a message of that size. */
void protobuf_opening(struct body *out, int field, uint64_t size);

#endif
