/* What the oneDNN kernels share: one engine and a stream per thread, primitives with prebuilt
 * arguments, layouts. With onednn.c and onednn_*.c the one module that includes dnnl.h.
 *
 * Facts this rests on (oneDNN 2.6): with scratchpad_mode_user one primitive may run in several
 * threads at once, each with its own memory objects and scratchpad. It falls back to `ref` kernels
 * in silence, up to a thousand times slower, so every primitive's implementation name is looked at.
 */
#ifndef CORE_ONEDNN_H
#define CORE_ONEDNN_H

#include "core/kernels.h"

#include <oneapi/dnnl/dnnl.h>

enum { ONEDNN_ARGS = 6 };

struct onednn_primitive {
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t desc;
    int arg_count;
    int arg_ids[ONEDNN_ARGS];
    dnnl_memory_t *memories; /* (objects, ONEDNN_ARGS); the last used one is the scratchpad */
};

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t *streams; /* (objects) */
    int objects;            /* threads that have objects of their own: members, or 1 in a dry run */
    int members;
    atomic_bool *failed;
    void **scratch; /* (members) scratch_size bytes each, which all ops of the block use in turn */
    int64_t scratch_size;
};

/* Fills *shared; the scratch memory is wanted by onednn_reserve, after all primitives are made. */
bool onednn_start(struct onednn *shared, const struct op_setup *setup);
void onednn_reserve(struct onednn *shared, struct block *memory);
/* Before that: shared->scratch is to have so many bytes at least, for what runs beside primitives.
 */
void onednn_want_scratch(struct onednn *shared, int64_t bytes);
void onednn_end(struct onednn *shared);

/* Makes a primitive from an operation descriptor when its implementation is good: never `ref`;
 * `gemm` only when `settle`. `hint` is the forward primitive's descriptor for backward ones, NULL
 * else. False: none such. */
struct onednn_wish {
    const void *operation;
    const_dnnl_primitive_desc_t hint;
    bool settle;
};
bool onednn_make(struct onednn *shared, const struct onednn_wish *wish,
                 struct onednn_primitive *out);
/* A reorder from one layout to another. */
bool onednn_make_reorder(struct onednn *shared, const dnnl_memory_desc_t *from,
                         const dnnl_memory_desc_t *to, struct onednn_primitive *out);
void onednn_drop(struct onednn *shared, struct onednn_primitive *primitive);

/* Names the arguments, in the order in which onednn_run gets their addresses. NULL-ended by id 0.
 */
struct onednn_arg {
    int id; /* DNNL_ARG_… */
    const dnnl_memory_desc_t *desc;
};
bool onednn_args(struct onednn *shared, struct onednn_primitive *primitive,
                 const struct onednn_arg *args);

/* Executes in the calling thread, which is team member `member`. A failure sets *failed. */
void onednn_run(struct onednn *shared, const struct onednn_primitive *primitive, int member,
                const void *const *data);

/* (samples, channels, height, width) in that layout, of 1, 8 or 16 channels a block. */
dnnl_memory_desc_t onednn_images(int64_t samples, const struct shape *shape, struct layout layout);
/* Plain, or left open for the primitive to choose. */
dnnl_memory_desc_t onednn_plain(int rank, const int64_t *dims, enum number number);
dnnl_memory_desc_t onednn_any(int rank, const int64_t *dims, enum number number);
/* The layout a primitive chose. */
const dnnl_memory_desc_t *onednn_chosen(const struct onednn_primitive *primitive,
                                        dnnl_query_t what);
/* The name of its implementation: lives as long as the library. */
const char *onednn_name(const struct onednn_primitive *primitive);
/* What memory in this layout takes, padding included. */
int64_t onednn_bytes(const dnnl_memory_desc_t *desc);

#endif
