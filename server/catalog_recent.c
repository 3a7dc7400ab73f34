/* Recent: see catalog_recent.h. */
#include "server/catalog_recent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How many, how large together, how long. */
enum { SETS_MOST = 4, SECONDS = 20 };
#define BYTES_MOST (INT64_C(1) << 30)

struct kept {
    struct dataset *dataset;
    struct timespec until;
};

struct catalog_recent {
    struct catalog *catalog;
    pthread_mutex_t lock;   /* a leaf: not held while a set is closed */
    pthread_cond_t changed; /* a set came, or the end */
    pthread_t thread;
    bool started, ending;
    struct kept sets[SETS_MOST]; /* in order of their last use */
    int count;
};

/* Those that were taken out under the lock, to be closed without it. */
struct leaving {
    struct dataset *sets[SETS_MOST + 1];
    int count;
};

static void close_all(struct catalog_recent *recent, const struct leaving *leaving)
{
    for (int i = 0; i < leaving->count; i++)
        catalog_close(recent->catalog, leaving->sets[i]);
}

static struct dataset *take_out(struct catalog_recent *recent, int index)
{
    struct dataset *dataset = recent->sets[index].dataset;

    recent->count--;
    memmove(&recent->sets[index], &recent->sets[index + 1],
            (size_t)(recent->count - index) * sizeof(recent->sets[0]));
    return dataset;
}

static bool is_over(const struct timespec *until)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

static void *recent_main(void *context)
{
    struct catalog_recent *recent = context;

    pthread_mutex_lock(&recent->lock);
    while (!recent->ending) {
        if (recent->count == 0) {
            pthread_cond_wait(&recent->changed, &recent->lock);
        } else if (!is_over(&recent->sets[0].until)) {
            const struct timespec until = recent->sets[0].until;

            (void)pthread_cond_timedwait(&recent->changed, &recent->lock, &until);
        } else {
            struct leaving leaving = {{take_out(recent, 0)}, 1};

            pthread_mutex_unlock(&recent->lock);
            close_all(recent, &leaving);
            pthread_mutex_lock(&recent->lock);
        }
    }
    pthread_mutex_unlock(&recent->lock);
    return NULL;
}

struct catalog_recent *recent_new(struct catalog *catalog)
{
    struct catalog_recent *recent = calloc(1, sizeof(*recent));
    pthread_condattr_t monotonic;

    if (!recent)
        return NULL;
    recent->catalog = catalog;
    pthread_mutex_init(&recent->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&recent->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return recent;
}

void recent_free(struct catalog_recent *recent)
{
    if (!recent)
        return;
    pthread_mutex_lock(&recent->lock);
    recent->ending = true;
    pthread_cond_signal(&recent->changed);
    pthread_mutex_unlock(&recent->lock);
    if (recent->started)
        pthread_join(recent->thread, NULL);
    while (recent->count > 0)
        catalog_close(recent->catalog, take_out(recent, 0));
    pthread_cond_destroy(&recent->changed);
    pthread_mutex_destroy(&recent->lock);
    free(recent);
}

/* The one that is there already needs no second use. */
static void take_out_same(struct catalog_recent *recent, const struct dataset *dataset,
                          struct leaving *leaving)
{
    for (int i = 0; i < recent->count; i++)
        if (recent->sets[i].dataset == dataset) {
            leaving->sets[leaving->count++] = take_out(recent, i);
            return;
        }
}

/* Room for one more set of that size. */
static void take_out_oldest(struct catalog_recent *recent, int64_t bytes, struct leaving *leaving)
{
    for (int i = 0; i < recent->count; i++)
        bytes += dataset_bytes(recent->sets[i].dataset);
    while (recent->count == SETS_MOST || (recent->count > 0 && bytes > BYTES_MOST)) {
        bytes -= dataset_bytes(recent->sets[0].dataset);
        leaving->sets[leaving->count++] = take_out(recent, 0);
    }
}

void recent_keep(struct catalog_recent *recent, struct dataset *dataset)
{
    struct leaving leaving = {.count = 0};
    struct kept *kept;

    pthread_mutex_lock(&recent->lock);
    if (!recent->started)
        recent->started = pthread_create(&recent->thread, NULL, recent_main, recent) == 0;
    take_out_same(recent, dataset, &leaving);
    take_out_oldest(recent, dataset_bytes(dataset), &leaving);
    if (recent->started) {
        kept = &recent->sets[recent->count++];
        kept->dataset = dataset;
        clock_gettime(CLOCK_MONOTONIC, &kept->until);
        kept->until.tv_sec += SECONDS;
        pthread_cond_signal(&recent->changed);
    } else {
        leaving.sets[leaving.count++] = dataset;
    }
    pthread_mutex_unlock(&recent->lock);
    close_all(recent, &leaving);
}
