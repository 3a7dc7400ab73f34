/* Initial: the numbers that a run with init_from begins with, from another job's checkpoint or from
 * a safetensors file. Tensors are matched by name and shape, all of them. Whoever begins such a run
 * keeps the numbers: what they came from may be gone the next moment. */
#ifndef SERVER_INITIAL_H
#define SERVER_INITIAL_H

#include "core/plan.h"
#include "server/store.h"

struct initial {
    float *numbers; /* (plan.numbers); NULL: none are wanted */
    uint8_t *bytes; /* the run's checkpoint before its first step */
    size_t size;
    struct checkpoint_file file;
    bool want_state;         /* of a job: what its optimizer remembers is to be taken over too */
    float *state;            /* (slots × plan.parameters); NULL: the optimizer begins anew */
    int64_t optimizer_steps; /* that went into that state */
    int64_t step;            /* of the job's checkpoint */
};
/* A zeroed one is allowed. */
void initial_drop(struct initial *initial);

/* Both fill initial->numbers. What keeps the run from beginning so (no such job, other tensors, a
 * file of another kind) goes to *problems, at /init_from or below, or at /state. False only when
 * memory or reading fails, or with ERROR_NOT_FOUND when there is no such file. */
bool initial_from_job(struct db *db, const struct spec *spec, const struct plan *plan,
                      struct initial *out, struct problems *problems,
                      struct error *error) MUST_CHECK;
bool initial_from_file(const char *path, const struct plan *plan, struct initial *out,
                       struct problems *problems, struct error *error) MUST_CHECK;

/* Fills initial->bytes, size and file from its numbers. */
bool initial_make_checkpoint(const struct spec *spec, const struct plan *plan,
                             struct initial *initial, struct error *error) MUST_CHECK;

#endif
