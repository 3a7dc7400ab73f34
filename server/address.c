/* Address: parsing by getaddrinfo with numbers only, so that a start never waits for a name server.
 */
#include "server/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the text at its last colon; brackets around an IPv6 host fall away. */
static bool address_split(const char *text, char host[64], char port[8])
{
    const char *colon = strrchr(text, ':');
    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) > 5)
        return false;
    if (strspn(colon + 1, "0123456789") != strlen(colon + 1) || strtol(colon + 1, NULL, 10) > 65535)
        return false;
    (void)snprintf(port, 8, "%s", colon + 1);
    const char *start = text;
    size_t length = (size_t)(colon - text);
    bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (bracketed) {
        start++;
        length -= 2;
    }
    if (length == 0 || length >= 64 || (!bracketed && memchr(start, ':', length)))
        return false;
    memcpy(host, start, length);
    host[length] = '\0';
    return true;
}

bool address_parse(const char *text, struct address *out, struct error *error)
{
    char host[64], port[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    memset(out, 0, sizeof(*out));
    if (!address_split(text, host, port))
        return error_set(error, ERROR_INVALID, text,
                         "is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080");
    const char *number = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    int code = getaddrinfo(number, port, &hints, &found);
    if (code == EAI_MEMORY)
        return error_set(error, ERROR_MEMORY, text, "no memory to read the address");
    if (code != 0 || !found)
        return error_set(error, ERROR_INVALID, text,
                         "the host must be a numeric address or localhost");
    memcpy(&out->socket, found->ai_addr, found->ai_addrlen);
    out->size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

bool address_is_loopback(const struct address *address)
{
    if (address->socket.ss_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, &address->socket, sizeof(four));
        return ntohl(four.sin_addr.s_addr) >> 24 == 127;
    }
    if (address->socket.ss_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, &address->socket, sizeof(six));
        return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    }
    return false;
}
