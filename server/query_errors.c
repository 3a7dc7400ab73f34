/* Query errors: what is wrong with a request's parameters, as a problem document lists it. Beside
 * the words it has what a program can use: the parameter's name, what may stand there, and what was
 * probably meant. */
#include "server/query_errors.h"

#include "core/nearest.h"

struct listing {
    struct body *out;
    struct nearest nearest;
    bool any;
};

static void list_name(struct listing *listing, const char *name)
{
    body_text(listing->out, listing->any ? "," : ",\"allowed\":[");
    body_string(listing->out, name);
    nearest_try(&listing->nearest, name);
    listing->any = true;
}

void query_error_put(struct body *out, const struct query *rows, const struct query_fault *fault)
{
    static const char *const truths[] = {"true", "false", NULL};
    const struct query *row = query_find(rows, fault->name);
    const char *const *choices = row && row->kind == QUERY_TRUTH ? truths
                                 : row                           ? row->choices
                                                                 : NULL;
    struct listing listing = {.out = out};

    nearest_begin(&listing.nearest, row ? fault->value : fault->name);
    body_text(out, "{\"pointer\":\"\",\"parameter\":");
    body_string(out, fault->name);
    body_text(out, ",\"detail\":");
    body_string(out, fault->detail);
    for (; choices && *choices; choices++)
        list_name(&listing, *choices);
    for (; !row && rows && rows->name; rows++)
        list_name(&listing, rows->name);
    body_text(out, listing.any ? "]" : "");
    if (listing.nearest.name) {
        body_text(out, ",\"suggestion\":");
        body_string(out, listing.nearest.name);
    }
    body_text(out, "}");
}
