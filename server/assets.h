/* Assets: files that the build embeds in the binary: the dashboard, the migrations, and schemas
 * of what the server answers. The tables
 * are generated (see Makefile); nothing is read from disk at run time. */
#ifndef SERVER_ASSETS_H
#define SERVER_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* as requested: "/", "/app.js", "/vendor/uplot/uPlot.esm.js" */
    const char *content_type;
    const unsigned char *bytes;
    size_t size;
    const unsigned char *gzip; /* the same compressed, or NULL where that is no gain */
    size_t gzip_size;
    const char *etag; /* quoted, strong */
};

extern const struct asset assets[];
extern const size_t asset_count;

/* A part of the OpenAPI document that no table of the program has. */
struct component {
    const char *name; /* "Job" */
    const char *json; /* a JSON Schema */
};

extern const struct component components[];
extern const size_t component_count;

struct migration {
    int number;       /* 1, 2, … without gaps */
    const char *name; /* "0001_first.sql" */
    const char *sql;
};

extern const struct migration migrations[];
extern const size_t migration_count;

#endif
