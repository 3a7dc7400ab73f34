/* Address: "host:port" as text and as what the operating system wants. Hosts are numbers or
 * "localhost": nothing here asks a name server. */
#ifndef SERVER_ADDRESS_H
#define SERVER_ADDRESS_H

#include "core/error.h"

#include <sys/socket.h>

struct address {
    struct sockaddr_storage socket;
    socklen_t size;
};

/* "127.0.0.1:8080", "[::1]:0", "localhost:8080". ERROR_INVALID with the text in `where`. */
bool address_parse(const char *text, struct address *out, struct error *error) MUST_CHECK;

/* Whether only this machine can reach it. */
bool address_is_loopback(const struct address *address);

#endif
