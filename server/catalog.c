/* Catalog: which data sets are in memory, and for how many users. Knows nothing of file formats. */
#include "core/dataset_synthetic.h"
#include "server/catalog_info.h"
#include "server/catalog_recent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One set in memory. It stays while it has users; who waits for it to be loaded is one of them. */
struct catalog_entry {
    struct catalog_entry *next;
    char key[DIGEST_HEX];    /* of the content, so that a name registered anew is another entry */
    struct dataset *dataset; /* NULL while it is loaded and when that failed */
    bool loading;
    int users;
    struct error failure; /* of the loading, for those who waited for it */
};

struct catalog {
    struct store *store;
    struct catalog_recent *recent;
    pthread_mutex_t lock;  /* a leaf: guards the entries; never held while a set is read or freed */
    pthread_cond_t loaded; /* some entry is no longer loading */
    struct catalog_entry *entries;
};

bool catalog_new(struct store *store, struct catalog **out, struct error *error)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    if (!catalog)
        return error_set(error, ERROR_MEMORY, "catalog", "no memory for the catalog");
    catalog->recent = recent_new(catalog);
    if (!catalog->recent) {
        free(catalog);
        return error_set(error, ERROR_MEMORY, "catalog", "no memory for the catalog");
    }
    catalog->store = store;
    pthread_mutex_init(&catalog->lock, NULL);
    pthread_cond_init(&catalog->loaded, NULL);
    *out = catalog;
    return true;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    recent_free(catalog->recent);
    pthread_cond_destroy(&catalog->loaded);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

struct store *catalog_store(struct catalog *catalog)
{
    return catalog->store;
}

/* Takes the entry out of the list when its last user left. Under the lock; the caller frees what
 * comes back. */
static struct catalog_entry *entry_leave(struct catalog *catalog, struct catalog_entry *entry)
{
    if (--entry->users > 0)
        return NULL;
    struct catalog_entry **link = &catalog->entries;
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    return entry;
}

static void entry_free(struct catalog_entry *entry)
{
    if (!entry)
        return;
    dataset_release(entry->dataset);
    free(entry);
}

/* The entry of that content, with the caller as one more user; a new one is marked as loading.
 * Under the lock. */
static struct catalog_entry *entry_join(struct catalog *catalog, const char *key, bool *fresh)
{
    struct catalog_entry *entry = catalog->entries;
    while (entry && strcmp(entry->key, key) != 0)
        entry = entry->next;
    *fresh = !entry;
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return NULL;
        memcpy(entry->key, key, sizeof(entry->key));
        entry->loading = true;
        entry->next = catalog->entries;
        catalog->entries = entry;
    }
    entry->users++;
    return entry;
}

/* How a set comes into memory, and what tells it from others. */
struct origin {
    char key[DIGEST_HEX]; /* of the content, or of all that it follows from */
    const char *name;     /* for messages */
    const void *context;
    bool (*load)(const struct origin *origin, struct dataset **out, struct error *error);
};

/* Loads a fresh entry without the lock, or waits for who does. */
static void entry_settle(struct catalog *catalog, struct catalog_entry *entry, bool fresh,
                         const struct origin *origin)
{
    if (!fresh) {
        pthread_mutex_lock(&catalog->lock);
        while (entry->loading)
            pthread_cond_wait(&catalog->loaded, &catalog->lock);
        pthread_mutex_unlock(&catalog->lock);
        return;
    }
    struct dataset *dataset = NULL;
    struct error failure = {0};
    bool good = origin->load(origin, &dataset, &failure);
    pthread_mutex_lock(&catalog->lock);
    entry->dataset = good ? dataset : NULL;
    entry->failure = failure;
    entry->loading = false;
    pthread_cond_broadcast(&catalog->loaded);
    pthread_mutex_unlock(&catalog->lock);
}

static bool origin_open(struct catalog *catalog, const struct origin *origin, struct dataset **out,
                        struct error *error)
{
    bool fresh = false;
    pthread_mutex_lock(&catalog->lock);
    struct catalog_entry *entry = entry_join(catalog, origin->key, &fresh);
    pthread_mutex_unlock(&catalog->lock);
    if (!entry)
        return error_set(error, ERROR_MEMORY, origin->name, "no memory for the data set");
    entry_settle(catalog, entry, fresh, origin);
    /* From here on the entry does not change while it has this user. */
    if (entry->dataset) {
        *out = entry->dataset;
        return true;
    }
    (void)error_set(error, entry->failure.kind, entry->failure.where, "%s", entry->failure.text);
    pthread_mutex_lock(&catalog->lock);
    struct catalog_entry *left = entry_leave(catalog, entry);
    pthread_mutex_unlock(&catalog->lock);
    entry_free(left);
    return false;
}

/* ---- named sets ---- */

bool catalog_find(struct db *db, const char *name, struct dataset_row *out, struct error *error)
{
    struct error missing = {0};
    if (catalog_added_get(store_directory(db), name, out, &missing))
        return true;
    if (missing.kind != ERROR_NOT_FOUND)
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    return store_dataset_get(db, name, out, error);
}

bool catalog_there(struct db *db, const char *name)
{
    struct dataset_row row = {0};
    bool there = catalog_is_added(db, name) || store_dataset_get(db, name, &row, NULL);
    dataset_row_drop(&row);
    return there;
}

/* The context is the set's row. */
static bool row_load(const struct origin *origin, struct dataset **out, struct error *error)
{
    const struct dataset_row *row = origin->context;
    struct dataset *dataset = NULL;
    if (!dataset_open(row->path, &dataset, error))
        return false;
    if (strcmp(dataset_digest(dataset), origin->key) != 0) {
        dataset_release(dataset);
        return error_set(
            error, ERROR_CORRUPT, row->name,
            "the files are not those that were registered under this name; register them anew");
    }
    *out = dataset;
    return true;
}

bool catalog_open(struct catalog *catalog, struct db *db, const char *name, struct dataset **out,
                  struct error *error)
{
    struct dataset_row row = {0};
    struct catalog_info info;
    if (!catalog_find(db, name, &row, error))
        return false;
    bool good = catalog_info_read(&row, &info, error);
    if (good) {
        struct origin origin = {.name = name, .context = &row, .load = row_load};
        memcpy(origin.key, info.sha256, sizeof(origin.key));
        good = origin_open(catalog, &origin, out, error);
    }
    dataset_row_drop(&row);
    return good;
}

/* ---- what a spec wants ---- */

/* The context is the spec. */
static bool synthetic_load(const struct origin *origin, struct dataset **out, struct error *error)
{
    const struct spec *spec = origin->context;
    return synthetic_make(&spec->dataset.synthetic, (uint64_t)spec->run.seed, out, error);
}

bool catalog_open_spec(struct catalog *catalog, struct db *db, const struct spec *spec,
                       struct dataset **out, struct error *error)
{
    struct origin origin = {.name = "synthetic", .context = spec, .load = synthetic_load};
    if (!spec->dataset.synthetic.given)
        return catalog_open(catalog, db, spec->dataset.name, out, error);
    synthetic_key(&spec->dataset.synthetic, (uint64_t)spec->run.seed, origin.key);
    return origin_open(catalog, &origin, out, error);
}

bool catalog_shape_spec(struct db *db, const struct spec *spec, struct data_shape *out,
                        struct error *error)
{
    if (!spec->dataset.synthetic.given)
        return catalog_shape(db, spec->dataset.name, out, error);
    synthetic_shape(&spec->dataset.synthetic, out);
    return true;
}

void catalog_close(struct catalog *catalog, struct dataset *dataset)
{
    if (!dataset)
        return;
    pthread_mutex_lock(&catalog->lock);
    struct catalog_entry *entry = catalog->entries;
    while (entry && entry->dataset != dataset)
        entry = entry->next;
    struct catalog_entry *left = entry ? entry_leave(catalog, entry) : NULL;
    pthread_mutex_unlock(&catalog->lock);
    entry_free(left);
}

void catalog_close_later(struct catalog *catalog, struct dataset *dataset)
{
    if (dataset)
        recent_keep(catalog->recent, dataset);
}

bool catalog_shape(struct db *db, const char *name, struct data_shape *out, struct error *error)
{
    struct dataset_row row = {0};
    struct catalog_info info;
    if (!catalog_find(db, name, &row, error))
        return false;
    bool good = catalog_info_read(&row, &info, error);
    if (good)
        *out = info.shape;
    dataset_row_drop(&row);
    return good;
}
