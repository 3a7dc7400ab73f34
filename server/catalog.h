/* Catalog: data sets by name. Names come from two places: what was registered is in the store; what
 * a user added is a folder DIR/datasets/NAME of the data directory, and being there is its
 * registration. So `traind dataset add` needs no daemon, and a daemon that runs needs no word of
 * it: it looks at the next question. A name that was added goes before the same name in the store.
 *
 * In memory each set is loaded (or made, where a spec describes one) once and shared by all jobs
 * that want it at the same time, and forgotten when the last one lets go. Thread-safe; loading one
 * set does not delay users of another.
 *
 * A row's info, as JSON: {"format", "shape": [channels, height, width], "pixels": "uint8" or
 * "float32", "classes", "class_names" where there are any and not too many, "train_samples",
 * "test_samples", "bytes", "sha256", "files"}; "files" tells whether the files changed since (see
 * catalog_register.c) and is nobody else's business. */
#ifndef SERVER_CATALOG_H
#define SERVER_CATALOG_H

#include "core/dataset.h"
#include "server/log.h"
#include "server/store.h"

struct catalog;

/* Letters, digits, '.', '_', '-', none of them a '.' in front, at most 64. */
bool catalog_name_good(const char *name, struct error *error) MUST_CHECK;

bool catalog_new(struct store *store, struct catalog **out, struct error *error) MUST_CHECK;
/* After the last catalog_close. NULL is allowed. */
void catalog_free(struct catalog *catalog);

/* Reads and checks the data set at `path` fully, then registers it under `name` (letters, digits, .
 * _ -). Takes seconds for large sets; writes through the store and waits. */
bool catalog_register(struct catalog *catalog, const char *name, const char *path,
                      struct error *error) MUST_CHECK;

/* Registers the data sets among the members of `folder`, each under its own name; `db` is the
 * caller's. One that is registered already is read again only when its files changed; a name that a
 * user added, or gave to another path, stays the user's. What cannot be registered goes to the log.
 */
void catalog_register_folder(struct catalog *catalog, struct db *db, const char *folder,
                             const struct log *log);

/* The set, until catalog_close. `db` is the caller's connection. ERROR_NOT_FOUND for an unknown
 * name; ERROR_CORRUPT when the files no longer have the registered digest. May take seconds. */
bool catalog_open(struct catalog *catalog, struct db *db, const char *name, struct dataset **out,
                  struct error *error) MUST_CHECK;
/* The set that a spec names, or the one that it describes, made from the spec's seed. */
bool catalog_open_spec(struct catalog *catalog, struct db *db, const struct spec *spec,
                       struct dataset **out, struct error *error) MUST_CHECK;
/* Lets go of what one of these gave. NULL is allowed. */
void catalog_close(struct catalog *catalog, struct dataset *dataset);

/* Lets go of it too, but the set stays in memory for a short while, as long as it is not much
 * together with others: somebody is about to ask again. */
void catalog_close_later(struct catalog *catalog, struct dataset *dataset);

/* Whether there is a set of that name, without a look at it. */
bool catalog_there(struct db *db, const char *name);
/* The row of a name, wherever it comes from. ERROR_NOT_FOUND; dataset_row_drop it. */
bool catalog_find(struct db *db, const char *name, struct dataset_row *out,
                  struct error *error) MUST_CHECK;
/* The digest of the row's content. */
bool catalog_row_digest(const struct dataset_row *row, char sha256[65],
                        struct error *error) MUST_CHECK;
/* All rows by name; *rows is malloc'ed; drop each, then free. */
bool catalog_list(struct db *db, struct dataset_row **rows, int *count,
                  struct error *error) MUST_CHECK;

/* What catalog_add did. */
struct catalog_addition {
    bool read;               /* the data set at `path` is good: what failed then is not its fault */
    struct dataset *dataset; /* as it is stored; dataset_release it */
    const char *format;      /* of what was read; static */
    bool there;              /* the name had this very content already: nothing was written */
    char path[4096];         /* where it is stored */
};

/* Reads and checks the data set at `path` (folder or archive) fully, writes it into the data
 * directory `dir` (made when missing) and makes it appear under `name` at one stroke: who looks
 * sees all of it or nothing, also after a crash. Needs no store; a daemon may run on the same
 * directory. `memory`: the budget, or NULL.
 * ERROR_CONFLICT when the name belongs to other content; what dataset_open and
 * dataset_write say. */
bool catalog_add(const char *dir, const char *name, const char *path, struct memory *memory,
                 struct catalog_addition *out, struct error *error) MUST_CHECK;
/* Removes what additions that died left behind, unless one is just being made. */
void catalog_sweep(const char *dir);

/* Takes an added set back in two steps. catalog_hide makes it disappear at one stroke, under a
 * hidden name: who looks sees all of it or nothing, also after a crash. Then catalog_remove frees
 * the disk, or catalog_unhide gives it its name again. What a crash leaves between them is gone:
 * catalog_sweep removes it. ERROR_NOT_FOUND when no set of that name was added. */
enum { CATALOG_HIDDEN = 32 };
bool catalog_hide(const char *dir, const char *name, char hidden[CATALOG_HIDDEN],
                  struct error *error) MUST_CHECK;
void catalog_unhide(const char *dir, const char *hidden, const char *name);
void catalog_remove(const char *dir, const char *hidden);
/* Whether the name is one that a user added: registered folders are not ours to delete. */
bool catalog_is_added(struct db *db, const char *name);

/* Shape of a named set, without reading it: fast, for planning. */
bool catalog_shape(struct db *db, const char *name, struct data_shape *out,
                   struct error *error) MUST_CHECK;
/* Shape of what catalog_open_spec would give. The spec is free of problems. */
bool catalog_shape_spec(struct db *db, const struct spec *spec, struct data_shape *out,
                        struct error *error) MUST_CHECK;

#endif
