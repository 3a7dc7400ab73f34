/* Op: one layer made ready to compute shards of a fixed size with one kernel. Knows the layouts it
 * was made for; knows nothing of threads, batches or other ops (model does).
 *
 * Activations of a shard are (samples, channels, height, width). In layout `block` b > 1 the
 * channels come in groups of b: (samples, ⌈channels / b⌉, height, width, b), the missing channels
 * always zero; b = 1 is the plain order. They and their gradients are reals, or bf16 where an op
 * says so (op.x.number, op.y.number); weights and weight gradients are reals everywhere. Weights
 * are packed once a step from the flat arrays into the kernel's own order; each shard leaves its
 * weight gradient in its own slot; `gather` adds the slots in shard order into the flat gradient.
 */
#ifndef CORE_OP_H
#define CORE_OP_H

#include "core/block.h"
#include "core/number.h"
#include "core/plan.h"

#include <stdatomic.h>

struct op;

/* One shard on its way through one op. Pointers of what is not wanted are NULL. */
struct op_call {
    int64_t samples; /* that count, 1…shard_size; what lies behind them in the buffers is zero or
                        ignored */
    int shard, member; /* member: the team's thread, for scratch memory */
    int keeper;        /* whose memory holds what forward leaves for backward */
    bool train;        /* false: an evaluation, without a backward pass */
    uint32_t epoch;    /* for draws, counted from 0 … */
    int64_t first;     /* … and the first sample's position in the epoch */
    const void *x;     /* shard_size × op.x.count numbers of the op's kind: enum number */
    void *y;           /* shard_size × op.y.count; x itself when op is in place */
    void *dy;          /* of the op's own: it may be changed */
    void *dx;          /* NULL: not wanted; dy itself when op is in place */
    /* of an op that joins several inputs, in the order of the layer's sources; x is xs[0]. When it
     * computes several layers: the first one's sources, then the others' but for the chain itself.
     */
    const void *const *xs;
    void *const *dxs; /* each NULL when not wanted; dxs[0] is dx */
};

/* An op that looks at the whole batch before it can go on (batch normalization). In training its
 * forward pass is: `collect` for every shard, the team meets, `combine` once, then op.forward for
 * every shard; the backward pass the same with `collect_back`, `combine_back` and op.backward.
 * Shards collect into slots of their own, and combine takes them in shard order. An evaluation
 * calls op.forward alone. */
struct op_whole {
    int64_t samples; /* of the whole batch */
    int64_t shards;  /* that had samples */
};
struct op_barrier {
    void (*collect)(struct op *op, const struct op_call *call); /* reads x */
    void (*combine)(struct op *op, const struct op_whole *whole);
    void (*collect_back)(struct op *op, const struct op_call *call); /* reads x and dy */
    void (*combine_back)(struct op *op, const struct op_whole *whole);
    /* After a step that counts: what was learned beside gradients, into the flat array. */
    void (*commit)(struct op *op, real *numbers);
};

/* One piece of work on the whole batch after all shards are done. */
struct op_gather {
    int task;           /* 0…op.gather_tasks − 1 */
    int member;         /* the team's thread, for scratch memory */
    int64_t samples;    /* of the whole batch */
    int64_t shards;     /* that had samples: slots 0…shards − 1 count */
    const void *x, *dy; /* the whole batch's, contiguous; only with OP_WHOLE_BATCH */
    real *gradients;    /* the flat array */
};

/* How a batch is cut, and who computes. */
struct op_cut {
    int64_t shard_size, shards;
    int members; /* threads of the team */
    int keepers; /* how many shards can be between their forward and their backward pass */
};

struct op_setup {
    const struct plan *plan;
    const struct plan_layer *layer;
    struct op_cut cut;
    int block;                     /* layout that x would have */
    enum number number;            /* and its numbers */
    enum spec_precision precision; /* of the run */
    int chain;   /* how many layers, from this one on, one op may compute: each reads the one before
                    it (a join also what is there already), and nobody else does */
    bool settle; /* second round: slower ways are welcome */
    bool want_dx;  /* false in front of the first layer with weights */
    bool keep_x;   /* x is read again, by others or in its writer's backward pass: leave it alone */
    uint64_t seed; /* of the run, for draws */
    struct block *memory;
    atomic_bool *failed; /* a kernel that could not do its work sets it; outlives the op */
    bool dry;            /* only the memory is reckoned: the op will not run */
};

enum op_trait {
    OP_IN_PLACE = 1,   /* y is written over x, dx over dy */
    OP_READS_Y = 2,    /* backward reads y: nothing may be written over it before */
    OP_WHOLE_BATCH = 4 /* gather reads x and dy of the whole batch */
};

/* How what an op reads, or writes, lies in memory. */
struct op_side {
    int64_t count;      /* numbers of one sample, in the layout */
    int block;          /* the layout */
    enum number number; /* of its numbers */
};

struct op {
    const char *kernel; /* which one serves, for people; static or in `state` */
    struct op_side x, y;
    int layers;      /* how many layers of the chain it computes; 0 means 1 */
    unsigned traits; /* enum op_trait */
    int gather_tasks;
    const struct op_barrier *barrier;                    /* NULL: shards need not meet */
    void *state;                                         /* the kernel's own */
    void (*pack)(struct op *op, const real *parameters); /* once a step; NULL: nothing to pack */
    /* What takes longer, in parts: tasks 0…pack_tasks − 1, along with pack and with each other. */
    void (*pack_part)(struct op *op, const real *parameters, int task);
    int pack_tasks;
    void (*forward)(struct op *op, const struct op_call *call);
    void (*backward)(struct op *op, const struct op_call *call); /* fills dx and the shard's slot */
    void (*gather)(struct op *op, const struct op_gather *gather);
    void (*drop)(struct op *op);
};

/* Fills *op when the kernel can serve this layer, layout and processor. False without an error: it
 * cannot, ask the next; false with an error: memory is gone. */
typedef bool op_make(const struct op_setup *setup, struct op *op, struct error *error);

/* Numbers of one sample of `shape` in layout `block`. */
int64_t op_count(const struct shape *shape, int block);

#endif
