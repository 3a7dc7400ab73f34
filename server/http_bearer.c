/* Bearer: whose request it is, and whether he may make it (RFC 6750). The token is not copied, and
 * never logged. Knows no route. */
#include "server/http_internal.h"

#include <string.h>
#include <strings.h>

/* What stands behind "Bearer"; NULL when there is nothing of the kind. */
static const char *find_token(const struct http_exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *text = http_header(&exchange->request, MHD_HTTP_HEADER_AUTHORIZATION);

    if (!text || strncasecmp(text, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    text += sizeof(scheme) - 1;
    return text + strspn(text, " ");
}

static bool refuse_stranger(struct http_exchange *exchange, bool sent)
{
    struct http_response *response = &exchange->response;

    http_problem(response, 401, NULL, "%s",
                 sent ? "this access token is not known here"
                      : "this needs an access token: Authorization: Bearer TOKEN");
    http_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"traind\"%s",
                         sent ? ", error=\"invalid_token\"" : "");
    return false;
}

bool bearer_check(struct http_exchange *exchange, enum scope needed)
{
    const struct http_setup *setup = &exchange->http->setup;
    const char *token = find_token(exchange);
    struct http_request *request = &exchange->request;

    request->scope =
        setup->admit ? setup->admit(setup->gate, token, exchange->bearer) : SCOPE_ADMIN;
    if (request->scope >= needed)
        return true;
    if (request->scope == SCOPE_NONE)
        return refuse_stranger(exchange, token != NULL);
    http_problem(&exchange->response, 403, NULL,
                 "this needs the scope %s, and the token \"%s\" has %s", scope_name(needed),
                 exchange->bearer, scope_name(request->scope));
    http_response_header(&exchange->response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                         "Bearer realm=\"traind\", error=\"insufficient_scope\", scope=\"%s\"",
                         scope_name(needed));
    return false;
}
