/* JSON from strangers: one object, checked before jansson's recursion sees it. Knows nothing of
 * jobs. */
#include "server/spec_json.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

/* Where the scan stands, counted as editors count. */
struct scan {
    const char *text;
    size_t size, at;
    int line, column;
};

static void scan_step(struct scan *scan)
{
    unsigned char byte = (unsigned char)scan->text[scan->at++];

    if (byte == '\n') {
        scan->line++;
        scan->column = 1;
    } else if ((byte & 0xC0) != 0x80) {
        scan->column++;
    }
}

/* Steps over a string, which `at` stands at the opening quote of. Whether it is a right one is for
 * jansson. */
static void scan_string(struct scan *scan)
{
    scan_step(scan);
    while (scan->at < scan->size && scan->text[scan->at] != '"' && scan->text[scan->at] != '\0') {
        if (scan->text[scan->at] == '\\' && scan->at + 1 < scan->size &&
            scan->text[scan->at + 1] != '\0')
            scan_step(scan);
        scan_step(scan);
    }
}

/* NULL, or what is wrong where the scan then stands. */
static const char *scan_depth(struct scan *scan)
{
    int depth = 0;

    while (scan->at < scan->size) {
        char byte = scan->text[scan->at];

        if (byte == '"')
            scan_string(scan);
        if (scan->at == scan->size)
            break;
        byte = scan->text[scan->at];
        if (byte == '\0')
            return "a NUL byte; JSON is text";
        if ((byte == '{' || byte == '[') && ++depth > DEPTH_MAX)
            return "more than 32 objects and lists inside each other";
        if ((byte == '}' || byte == ']') && depth > 0)
            depth--;
        scan_step(scan);
    }
    return NULL;
}

static bool refuse(struct problems *problems, struct error *error, const char *text)
{
    problem_add(problems, "", "%s", text);
    return error_set(error, ERROR_INVALID, "", "%s", text);
}

static bool refuse_at(struct problems *problems, struct error *error, const struct scan *scan,
                      const char *what)
{
    char text[160];

    snprintf(text, sizeof(text), "line %d, column %d: %s", scan->line, scan->column, what);
    return refuse(problems, error, text);
}

/* What people really wrote when jansson speaks of tokens. */
static const struct hint {
    const char *sign, *text;
} hints[] = {
    {"'NaN'", " (JSON has neither NaN nor Infinity)"},
    {"'Infinity'", " (JSON has neither NaN nor Infinity)"},
    {"near '-'", " (digits are wanted here; JSON has no Infinity)"},
    {"'True'", " (JSON writes true, false and null)"},
    {"'False'", " (JSON writes true, false and null)"},
    {"'None'", " (JSON writes true, false and null)"},
    {"near '''", " (JSON strings stand in double quotes)"},
    {"near '/'", " (JSON has no comments)"},
    {"near '#'", " (JSON has no comments)"},
    {"string or '}' expected near '}'", " (no comma after the last item)"},
    {"unexpected token near ']'", " (no comma after the last item)"},
};

static const char *hint_for(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(hints); i++)
        if (strstr(text, hints[i].sign))
            return hints[i].text;
    return "";
}

static bool refuse_jansson(struct problems *problems, struct error *error,
                           const json_error_t *found)
{
    char text[JSON_ERROR_TEXT_LENGTH + 96], shown[JSON_ERROR_TEXT_LENGTH];

    /* Some of jansson's paths out of memory leave no word behind. */
    if (json_error_code(found) == json_error_out_of_memory || found->text[0] == '\0')
        return error_set(error, ERROR_MEMORY, "json", "no memory to parse the document");
    /* jansson quotes the document, and ends the quotation inside a character when it stumbles
     * there. */
    text_show(shown, sizeof(shown), found->text);
    /* jansson names its own flag here, which means nothing to a user. */
    if (strstr(found->text, "JSON_ALLOW_NUL"))
        snprintf(text, sizeof(text), "line %d, column %d: \\u0000 is not allowed", found->line,
                 found->column);
    else
        snprintf(text, sizeof(text), "line %d, column %d: %s%s", found->line, found->column, shown,
                 hint_for(shown));
    return refuse(problems, error, text);
}

/* The first byte that is no white space; `size` when there is none. */
static size_t first_byte(const char *text, size_t size)
{
    size_t i = 0;

    while (i < size && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n'))
        i++;
    return i;
}

bool json_parse_strict(const char *text, size_t size, json_t **out, struct problems *problems,
                       struct error *error)
{
    struct scan scan = {.text = text, .size = size, .line = 1, .column = 1};
    size_t first = first_byte(text, size);
    const char *wrong;
    json_error_t found;

    *out = NULL;
    if (first == size)
        return refuse_at(problems, error, &scan, "the document is empty; want a JSON object");
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return refuse_at(problems, error, &scan, "a byte order mark; JSON starts without one");
    while (scan.at < first)
        scan_step(&scan);
    if (text[first] != '{')
        return refuse_at(problems, error, &scan, "want a JSON object, which begins with {");
    wrong = scan_depth(&scan);
    if (wrong)
        return refuse_at(problems, error, &scan, wrong);
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, &found);
    return *out || refuse_jansson(problems, error, &found);
}
