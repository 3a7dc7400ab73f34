/* Team: threads that take tasks from one atomic word. Knows nothing of what a task computes.
 *
 * DESIGN. A training step calls the team a few times with a handful of tasks of some microseconds,
 * so a round must cost about a microsecond. All that members must agree on is in one 64-bit word,
 * the ticket: the round's number and how many tasks are still to be taken. A task is taken by one
 * compare-and-swap, which succeeds only in the round it was read in; therefore `work`, `context`
 * and `tasks`, read after it, belong to that round, and a member that wakes late and finds nothing
 * left touches nothing. The caller waits for finished tasks, not for members: a slow waker holds
 * nobody up.
 *
 * Who has nothing to do spins for some microseconds and then sleeps on a condition. Spinning that
 * ends in sleep anyway is cut down; spinning that was worth it restores its length. */
#include "core/team.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Low half of the ticket: flags and the number of tasks not yet taken. */
#define TICKET_EACH UINT64_C(0x80000000)
#define TICKET_STOP UINT64_C(0x40000000)
#define TICKET_LEFT UINT64_C(0x3fffffff)

enum {
    LINE = 64, /* bytes of a cache line: what several threads write stands apart */
    PATIENCE_LONGEST =
        2000, /* spins before sleep: 10 to 90 µs, as long as the processor's pause makes them */
    PATIENCE_SHORTEST = PATIENCE_LONGEST / 16
};

struct member {
    struct team *team;
    pthread_t thread;
    int number;
};

struct team {
    int size;
    bool may_spin;
    int patience;    /* the caller's, while it waits for the last tasks */
    team_work *work; /* this and the next three: the round's, written between rounds */
    team_hello *hello;
    void *context;
    int tasks;
    struct member *members; /* size of them; number 0, the caller, has no thread of ours */
    pthread_mutex_t mutex;  /* a leaf; held only around going to sleep and being woken */
    pthread_cond_t round_begun;
    pthread_cond_t round_done;
    _Alignas(LINE) atomic_uint_fast64_t ticket;
    _Alignas(LINE) atomic_int unfinished; /* tasks of this round not yet done */
    atomic_int sleepers;                  /* members asleep or about to be */
    atomic_bool caller_sleeps;
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static uint32_t ticket_round(uint64_t ticket)
{
    return (uint32_t)(ticket >> 32);
}

static int shorter(int patience)
{
    return patience / 2 > PATIENCE_SHORTEST ? patience / 2 : PATIENCE_SHORTEST;
}

/* One task of this round is done; who does the last one wakes the caller. */
static void finish_task(struct team *team)
{
    if (atomic_fetch_sub(&team->unfinished, 1) == 1 && atomic_load(&team->caller_sleeps)) {
        pthread_mutex_lock(&team->mutex);
        pthread_mutex_unlock(&team->mutex);
        pthread_cond_signal(&team->round_done);
    }
}

static void take_tasks(struct team *team, int member)
{
    uint64_t ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);

    while ((ticket & TICKET_LEFT) != 0) {
        if (!atomic_compare_exchange_weak_explicit(&team->ticket, &ticket, ticket - 1,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        team->work(team->context, team->tasks - (int)(ticket & TICKET_LEFT), member);
        finish_task(team);
        ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
    }
}

/* Waits for a round other than `seen` and returns its ticket. */
static uint64_t wait_round(struct team *team, uint32_t seen, int *patience)
{
    uint64_t ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);

    for (int i = 0; team->may_spin && i < *patience; i++) {
        if (ticket_round(ticket) != seen) {
            *patience = PATIENCE_LONGEST;
            return ticket;
        }
        pause_briefly();
        ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
    }
    pthread_mutex_lock(&team->mutex);
    /* Sequentially consistent on both sides: either begin_round sees the sleeper, or the sleeper
     * the round. */
    atomic_fetch_add(&team->sleepers, 1);
    while (ticket_round(ticket = atomic_load(&team->ticket)) == seen)
        pthread_cond_wait(&team->round_begun, &team->mutex);
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->mutex);
    *patience = shorter(*patience);
    return ticket;
}

static void *member_main(void *argument)
{
    const struct member *member = argument;
    struct team *team = member->team;
    uint32_t seen = 0;
    int patience = PATIENCE_LONGEST;

    for (;;) {
        uint64_t ticket = wait_round(team, seen, &patience);

        seen = ticket_round(ticket);
        if (ticket & TICKET_STOP)
            return NULL;
        if (ticket & TICKET_EACH) {
            team->hello(team->context, member->number);
            finish_task(team);
        } else {
            take_tasks(team, member->number);
        }
    }
}

static void begin_round(struct team *team, uint64_t low)
{
    uint64_t last = atomic_load_explicit(&team->ticket, memory_order_relaxed);

    atomic_store(&team->ticket, ((uint64_t)(ticket_round(last) + 1) << 32) | low);
    if (atomic_load(&team->sleepers) > 0) {
        /* Through the mutex once: nobody is between his look at the ticket and his sleep. */
        pthread_mutex_lock(&team->mutex);
        pthread_mutex_unlock(&team->mutex);
        pthread_cond_broadcast(&team->round_begun);
    }
}

/* The caller's wait for the tasks that others still run. */
static void end_round(struct team *team)
{
    for (int i = 0; team->may_spin && i < team->patience; i++) {
        if (atomic_load_explicit(&team->unfinished, memory_order_acquire) == 0) {
            team->patience = PATIENCE_LONGEST;
            return;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&team->mutex);
    atomic_store(&team->caller_sleeps, true);
    while (atomic_load(&team->unfinished) > 0)
        pthread_cond_wait(&team->round_done, &team->mutex);
    atomic_store(&team->caller_sleeps, false);
    pthread_mutex_unlock(&team->mutex);
    team->patience = shorter(team->patience);
}

void team_run(struct team *team, int tasks, team_work *work, void *context)
{
    assert(tasks >= 0 && (uint64_t)tasks <= TICKET_LEFT);
    if (team->size == 1 || tasks <= 1) {
        for (int task = 0; task < tasks; task++)
            work(context, task, 0);
        return;
    }
    team->work = work;
    team->context = context;
    team->tasks = tasks;
    atomic_store_explicit(&team->unfinished, tasks, memory_order_relaxed);
    begin_round(team, (uint64_t)tasks);
    take_tasks(team, 0);
    end_round(team);
}

void team_each(struct team *team, team_hello *hello, void *context)
{
    if (team->size > 1) {
        team->hello = hello;
        team->context = context;
        atomic_store_explicit(&team->unfinished, team->size - 1, memory_order_relaxed);
        begin_round(team, TICKET_EACH);
    }
    hello(context, 0);
    if (team->size > 1)
        end_round(team);
}

int team_size(const struct team *team)
{
    return team->size;
}

/* Whether each member can have a processor of its own. Without that, spinning steals from who
 * works. */
static bool processors_suffice(int threads)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= threads;
}

bool team_start(int threads, struct team **out, struct error *error)
{
    struct team *team;
    struct member *members;

    assert(threads >= 1);
    team = aligned_alloc(LINE, sizeof(*team));
    members = calloc((size_t)threads, sizeof(*members));
    if (team == NULL || members == NULL) {
        free(members);
        free(team);
        return error_set(error, ERROR_MEMORY, "team", "no memory for a team of %d threads",
                         threads);
    }
    memset(team, 0, sizeof(*team));
    team->members = members;
    team->may_spin = processors_suffice(threads);
    team->patience = PATIENCE_LONGEST;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->round_begun, NULL);
    pthread_cond_init(&team->round_done, NULL);
    atomic_init(&team->ticket, 0);
    atomic_init(&team->unfinished, 0);
    atomic_init(&team->sleepers, 0);
    atomic_init(&team->caller_sleeps, false);

    for (team->size = 1; team->size < threads; team->size++) {
        struct member *member = &members[team->size];
        int failure;

        member->team = team;
        member->number = team->size;
        failure = pthread_create(&member->thread, NULL, member_main, member);
        if (failure != 0) {
            error_set(error, ERROR_IO, "team", "cannot start thread %d of %d: %s", team->size + 1,
                      threads, strerror(failure));
            team_stop(team);
            return false;
        }
    }
    *out = team;
    return true;
}

void team_stop(struct team *team)
{
    if (team == NULL)
        return;
    begin_round(team, TICKET_STOP);
    for (int i = 1; i < team->size; i++)
        pthread_join(team->members[i].thread, NULL);
    pthread_cond_destroy(&team->round_done);
    pthread_cond_destroy(&team->round_begun);
    pthread_mutex_destroy(&team->mutex);
    free(team->members);
    free(team);
}
