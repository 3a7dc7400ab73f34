/* Models: see models.h. */
#include "server/models.h"

#include <pthread.h>
#include <stdlib.h>

/* One checkpoint's. The number of a checkpoint is never used twice. */
struct model_entry {
    struct model_entry *next; /* the one that was used before it */
    int64_t checkpoint;
    struct trained *network; /* NULL while it is read */
    bool busy;               /* somebody uses or reads it */
};

struct models {
    pthread_mutex_t lock; /* a leaf: guards the entries; never held while one is read or used */
    pthread_cond_t returned;
    struct model_entry *entries; /* the newest first */
    int64_t most;
};

bool models_new(int64_t most, struct models **out, struct error *error)
{
    struct models *models = calloc(1, sizeof(*models));

    *out = models;
    if (!models)
        return error_set(error, ERROR_MEMORY, "models", "no memory for the networks");
    models->most = most;
    pthread_mutex_init(&models->lock, NULL);
    pthread_cond_init(&models->returned, NULL);
    return true;
}

/* Frees a chain of entries that nobody else knows. */
static void free_entries(struct model_entry *entry)
{
    while (entry) {
        struct model_entry *next = entry->next;

        trained_free(entry->network);
        free(entry);
        entry = next;
    }
}

void models_free(struct models *models)
{
    if (!models)
        return;
    free_entries(models->entries);
    pthread_cond_destroy(&models->returned);
    pthread_mutex_destroy(&models->lock);
    free(models);
}

/* ---- under the lock ---- */

static struct model_entry **find(struct models *models, int64_t checkpoint)
{
    struct model_entry **link = &models->entries;

    while (*link && (*link)->checkpoint != checkpoint)
        link = &(*link)->next;
    return link;
}

static struct model_entry *unlink_entry(struct model_entry **link)
{
    struct model_entry *entry = *link;

    *link = entry->next;
    entry->next = NULL;
    return entry;
}

static void put_first(struct models *models, struct model_entry *entry)
{
    entry->next = models->entries;
    models->entries = entry;
}

/* Takes out what is too much, from the end; the caller frees it. */
static struct model_entry *take_surplus(struct models *models)
{
    struct model_entry *surplus = NULL, **link = &models->entries;
    int64_t bytes = 0;

    while (*link) {
        struct model_entry *entry = *link;

        bytes += entry->busy ? 0 : entry->network->bytes;
        if (entry->busy || bytes <= models->most) {
            link = &entry->next;
            continue;
        }
        bytes -= entry->network->bytes;
        entry = unlink_entry(link);
        entry->next = surplus;
        surplus = entry;
    }
    return surplus;
}

/* The checkpoint's entry, now the caller's own. NULL: memory is gone. */
static struct model_entry *join(struct models *models, int64_t checkpoint)
{
    struct model_entry **link = find(models, checkpoint);

    while (*link && (*link)->busy) {
        pthread_cond_wait(&models->returned, &models->lock);
        link = find(models, checkpoint);
    }
    struct model_entry *entry = *link ? unlink_entry(link) : calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->checkpoint = checkpoint;
    entry->busy = true;
    put_first(models, entry);
    return entry;
}

/* ---- for users ---- */

/* Nobody else touches an entry that is busy. */
static void release(struct models *models, struct model_entry *entry)
{
    struct model_entry *surplus;

    pthread_mutex_lock(&models->lock);
    entry->busy = false;
    if (!entry->network)
        free(unlink_entry(find(models, entry->checkpoint)));
    surplus = take_surplus(models);
    pthread_cond_broadcast(&models->returned);
    pthread_mutex_unlock(&models->lock);
    free_entries(surplus);
}

bool models_borrow(struct models *models, const struct trained_source *source,
                   const struct job_row *job, const struct checkpoint_row *checkpoint,
                   struct trained **out, struct error *error)
{
    struct trained *network = NULL;
    struct model_entry *entry;

    *out = NULL;
    pthread_mutex_lock(&models->lock);
    entry = join(models, checkpoint->number);
    pthread_mutex_unlock(&models->lock);
    if (!entry)
        return error_set(error, ERROR_MEMORY, "", "no memory for the network just now");
    if (!entry->network && !trained_open(source, job, checkpoint, &network, error)) {
        release(models, entry);
        return false;
    }
    pthread_mutex_lock(&models->lock); /* others look through the list */
    if (network)
        entry->network = network;
    pthread_mutex_unlock(&models->lock);
    *out = entry->network;
    return true;
}

void models_return(struct models *models, struct trained *network)
{
    struct model_entry *entry;

    if (!network)
        return;
    pthread_mutex_lock(&models->lock);
    entry = models->entries;
    while (entry->network != network)
        entry = entry->next;
    pthread_mutex_unlock(&models->lock);
    release(models, entry);
}

int64_t models_bytes(struct models *models)
{
    int64_t bytes = 0;

    pthread_mutex_lock(&models->lock);
    for (struct model_entry *entry = models->entries; entry; entry = entry->next)
        bytes += entry->busy ? 0 : entry->network->bytes;
    pthread_mutex_unlock(&models->lock);
    return bytes;
}
