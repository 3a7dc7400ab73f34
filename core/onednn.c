/* oneDNN: see onednn.h. */
#if TRAIND_ONEDNN
#include "core/onednn.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

void onednn_greet_thread(void)
{
    omp_set_num_threads(1);
}

/* A newer instruction set has the bits of the older ones. */
bool onednn_has_bf16(void)
{
    return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) ==
           dnnl_cpu_isa_avx512_core_bf16;
}

/* One line per instruction set, because the text must be static. */
#define LINE(isa, name)                                                                            \
    case isa:                                                                                      \
        return "oneDNN, " name                                                                     \
               " (the best this processor and build allow; our own serve what it cannot)"

const char *onednn_describe(void)
{
    switch (dnnl_get_effective_cpu_isa()) {
        LINE(dnnl_cpu_isa_avx512_core_amx, "AVX-512 with AMX");
        LINE(dnnl_cpu_isa_avx512_core_bf16, "AVX-512 with BF16");
        LINE(dnnl_cpu_isa_avx512_core_vnni, "AVX-512 with VNNI");
        LINE(dnnl_cpu_isa_avx512_core, "AVX-512");
        LINE(dnnl_cpu_isa_avx2_vnni, "AVX2 with VNNI");
        LINE(dnnl_cpu_isa_avx2, "AVX2");
        LINE(dnnl_cpu_isa_avx, "AVX");
        LINE(dnnl_cpu_isa_sse41, "SSE4.1");
    default:
        return "oneDNN, baseline instructions";
    }
}

bool onednn_start(struct onednn *shared, const struct op_setup *setup)
{
    int objects = setup->dry ? 1 : setup->members;
    *shared = (struct onednn){.members = setup->members, .failed = setup->failed};
    if (dnnl_engine_create(&shared->engine, dnnl_cpu, 0) != dnnl_success)
        return false;
    shared->streams = calloc((size_t)objects, sizeof *shared->streams);
    for (; shared->streams && shared->objects < objects; shared->objects++)
        if (dnnl_stream_create(&shared->streams[shared->objects], shared->engine,
                               dnnl_stream_default_flags) != dnnl_success)
            break;
    if (shared->streams && shared->objects == objects)
        return true;
    onednn_end(shared);
    return false;
}

void onednn_reserve(struct onednn *shared, struct block *memory)
{
    block_reserve(memory, &shared->scratch,
                  saturating_product(shared->members, shared->scratch_count), sizeof(real));
}

void onednn_end(struct onednn *shared)
{
    for (int i = 0; i < shared->objects; i++)
        dnnl_stream_destroy(shared->streams[i]);
    free(shared->streams);
    if (shared->engine)
        dnnl_engine_destroy(shared->engine);
    memset(shared, 0, sizeof *shared);
}

/* Takes over primitive->desc. */
static bool finish(struct onednn *shared, struct onednn_primitive *primitive)
{
    int64_t scratch = onednn_numbers(onednn_chosen(primitive, dnnl_query_scratchpad_md));
    int64_t lines = (scratch + 15) / 16 * 16;
    if (dnnl_primitive_create(&primitive->primitive, primitive->desc) != dnnl_success) {
        onednn_drop(shared, primitive);
        return false;
    }
    if (lines > shared->scratch_count)
        shared->scratch_count = lines;
    return true;
}

static bool attributes(dnnl_primitive_attr_t *out)
{
    if (dnnl_primitive_attr_create(out) != dnnl_success)
        return false;
    return dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user) == dnnl_success;
}

bool onednn_make(struct onednn *shared, const struct onednn_wish *wish,
                 struct onednn_primitive *out)
{
    dnnl_primitive_attr_t attr = NULL;
    const char *name = NULL;
    memset(out, 0, sizeof *out);
    bool made =
        attributes(&attr) && dnnl_primitive_desc_create(&out->desc, wish->operation, attr,
                                                        shared->engine, wish->hint) == dnnl_success;
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    if (!made)
        return false;
    dnnl_primitive_desc_query(out->desc, dnnl_query_impl_info_str, 0, &name);
    if (!name || strstr(name, "ref") || (strstr(name, "gemm") && !wish->settle)) {
        onednn_drop(shared, out);
        return false;
    }
    return finish(shared, out);
}

bool onednn_make_reorder(struct onednn *shared, const dnnl_memory_desc_t *from,
                         const dnnl_memory_desc_t *to, struct onednn_primitive *out)
{
    dnnl_primitive_attr_t attr = NULL;
    memset(out, 0, sizeof *out);
    bool made = attributes(&attr) &&
                dnnl_reorder_primitive_desc_create(&out->desc, from, shared->engine, to,
                                                   shared->engine, attr) == dnnl_success;
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    if (!made || !finish(shared, out))
        return false;
    const struct onednn_arg args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {0, NULL}};
    if (onednn_args(shared, out, args))
        return true;
    onednn_drop(shared, out);
    return false;
}

void onednn_drop(struct onednn *shared, struct onednn_primitive *primitive)
{
    for (int i = 0; primitive->memories && i < shared->objects * ONEDNN_ARGS; i++)
        if (primitive->memories[i])
            dnnl_memory_destroy(primitive->memories[i]);
    free(primitive->memories);
    if (primitive->primitive)
        dnnl_primitive_destroy(primitive->primitive);
    if (primitive->desc)
        dnnl_primitive_desc_destroy(primitive->desc);
    memset(primitive, 0, sizeof *primitive);
}

bool onednn_args(struct onednn *shared, struct onednn_primitive *primitive,
                 const struct onednn_arg *args)
{
    const struct onednn_arg scratch = {DNNL_ARG_SCRATCHPAD,
                                       onednn_chosen(primitive, dnnl_query_scratchpad_md)};
    primitive->memories = calloc((size_t)shared->objects * ONEDNN_ARGS, sizeof(dnnl_memory_t));
    if (!primitive->memories)
        return false;
    for (int i = 0; i < ONEDNN_ARGS; i++) {
        const struct onednn_arg *arg = args->id ? args : &scratch;
        primitive->arg_ids[i] = arg->id;
        primitive->arg_count = i + 1;
        for (int member = 0; member < shared->objects; member++)
            if (dnnl_memory_create(&primitive->memories[member * ONEDNN_ARGS + i], arg->desc,
                                   shared->engine, DNNL_MEMORY_NONE) != dnnl_success)
                return false;
        if (!args->id)
            return true;
        args++;
    }
    return false;
}

/* Setting an address makes the library clear the padding behind it: only when it is a new one. */
static bool set_address(dnnl_memory_t memory, const void *address)
{
    void *old = NULL, *wanted;
    memcpy(&wanted, &address, sizeof wanted);
    return dnnl_memory_get_data_handle(memory, &old) == dnnl_success &&
           (old == wanted || dnnl_memory_set_data_handle(memory, wanted) == dnnl_success);
}

void onednn_run(struct onednn *shared, const struct onednn_primitive *primitive, int member,
                const void *const *data)
{
    dnnl_exec_arg_t args[ONEDNN_ARGS];
    int last = primitive->arg_count - 1;
    dnnl_memory_t *memories = primitive->memories + member * ONEDNN_ARGS;
    bool good = true;
    for (int i = 0; i <= last; i++) {
        const void *address =
            i == last ? shared->scratch + member * shared->scratch_count : data[i];
        good &= set_address(memories[i], address);
        args[i] = (dnnl_exec_arg_t){primitive->arg_ids[i], memories[i]};
    }
    if (!good || dnnl_primitive_execute(primitive->primitive, shared->streams[member],
                                        primitive->arg_count, args) != dnnl_success)
        atomic_store(shared->failed, true);
}

dnnl_memory_desc_t onednn_images(int64_t samples, const struct shape *shape, int block)
{
    dnnl_memory_desc_t desc;
    dnnl_dims_t dims = {samples, shape->channels, shape->height, shape->width};
    dnnl_format_tag_t tag = block == 16 ? dnnl_nChw16c : block == 8 ? dnnl_nChw8c : dnnl_nchw;
    dnnl_memory_desc_init_by_tag(&desc, 4, dims, dnnl_f32, tag);
    return desc;
}

static dnnl_memory_desc_t describe(int rank, const int64_t *dims, bool open)
{
    static const dnnl_format_tag_t plain[] = {
        dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
    dnnl_memory_desc_t desc;
    dnnl_memory_desc_init_by_tag(&desc, rank, dims, dnnl_f32,
                                 open ? dnnl_format_tag_any : plain[rank]);
    return desc;
}

dnnl_memory_desc_t onednn_plain(int rank, const int64_t *dims)
{
    return describe(rank, dims, false);
}

dnnl_memory_desc_t onednn_any(int rank, const int64_t *dims)
{
    return describe(rank, dims, true);
}

const dnnl_memory_desc_t *onednn_chosen(const struct onednn_primitive *primitive, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(primitive->desc, what, 0);
}

int64_t onednn_numbers(const dnnl_memory_desc_t *desc)
{
    return (int64_t)((dnnl_memory_desc_get_size(desc) + sizeof(float) - 1) / sizeof(float));
}

#endif
