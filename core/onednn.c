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
    int objects = setup->dry ? 1 : setup->cut.members;
    *shared = (struct onednn){.members = setup->cut.members, .failed = setup->failed};
    if (dnnl_engine_create(&shared->engine, dnnl_cpu, 0) != dnnl_success)
        return false;
    shared->streams = calloc((size_t)objects, sizeof *shared->streams);
    shared->scratch = calloc((size_t)setup->cut.members, sizeof *shared->scratch);
    for (; shared->streams && shared->objects < objects; shared->objects++)
        if (dnnl_stream_create(&shared->streams[shared->objects], shared->engine,
                               dnnl_stream_default_flags) != dnnl_success)
            break;
    if (shared->scratch && shared->streams && shared->objects == objects)
        return true;
    onednn_end(shared);
    return false;
}

/* A thread runs one op at a time, so all of them may write the same memory. */
void onednn_reserve(struct onednn *shared, struct block *memory)
{
    for (int member = 0; member < shared->members; member++)
        block_share(memory, member, &shared->scratch[member], shared->scratch_size, 1);
}

void onednn_end(struct onednn *shared)
{
    for (int i = 0; i < shared->objects; i++)
        dnnl_stream_destroy(shared->streams[i]);
    free(shared->streams);
    free(shared->scratch);
    if (shared->engine)
        dnnl_engine_destroy(shared->engine);
    memset(shared, 0, sizeof *shared);
}

void onednn_want_scratch(struct onednn *shared, int64_t bytes)
{
    if (bytes > shared->scratch_size)
        shared->scratch_size = bytes;
}

/* Takes over primitive->desc. */
static bool finish(struct onednn *shared, struct onednn_primitive *primitive)
{
    int64_t scratch = onednn_bytes(onednn_chosen(primitive, dnnl_query_scratchpad_md));
    if (dnnl_primitive_create(&primitive->primitive, primitive->desc) != dnnl_success) {
        onednn_drop(shared, primitive);
        return false;
    }
    onednn_want_scratch(shared, scratch);
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
    memset(out, 0, sizeof *out);
    bool made =
        attributes(&attr) && dnnl_primitive_desc_create(&out->desc, wish->operation, attr,
                                                        shared->engine, wish->hint) == dnnl_success;
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    if (!made)
        return false;
    const char *name = onednn_name(out);
    if (strstr(name, "ref") || (strstr(name, "gemm") && !wish->settle)) {
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
        const void *address = i == last ? shared->scratch[member] : data[i];
        good &= set_address(memories[i], address);
        args[i] = (dnnl_exec_arg_t){primitive->arg_ids[i], memories[i]};
    }
    if (!good || dnnl_primitive_execute(primitive->primitive, shared->streams[member],
                                        primitive->arg_count, args) != dnnl_success)
        atomic_store(shared->failed, true);
}

static dnnl_data_type_t type_of(enum number number)
{
    return number == NUMBER_BF16 ? dnnl_bf16 : dnnl_f32;
}

dnnl_memory_desc_t onednn_images(int64_t samples, const struct shape *shape, struct layout layout)
{
    dnnl_memory_desc_t desc;
    dnnl_dims_t dims = {samples, shape->channels, shape->height, shape->width};
    dnnl_format_tag_t tag = layout.block == 16  ? dnnl_nChw16c
                            : layout.block == 8 ? dnnl_nChw8c
                                                : dnnl_nchw;
    dnnl_memory_desc_init_by_tag(&desc, 4, dims, type_of(layout.number), tag);
    return desc;
}

dnnl_memory_desc_t onednn_plain(int rank, const int64_t *dims, enum number number)
{
    static const dnnl_format_tag_t plain[] = {
        dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
    dnnl_memory_desc_t desc;
    dnnl_memory_desc_init_by_tag(&desc, rank, dims, type_of(number), plain[rank]);
    return desc;
}

dnnl_memory_desc_t onednn_any(int rank, const int64_t *dims, enum number number)
{
    dnnl_memory_desc_t desc;
    dnnl_memory_desc_init_by_tag(&desc, rank, dims, type_of(number), dnnl_format_tag_any);
    return desc;
}

const dnnl_memory_desc_t *onednn_chosen(const struct onednn_primitive *primitive, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(primitive->desc, what, 0);
}

const char *onednn_name(const struct onednn_primitive *primitive)
{
    const char *name = "ref: unnamed";
    dnnl_primitive_desc_query(primitive->desc, dnnl_query_impl_info_str, 0, &name);
    return name;
}

int64_t onednn_bytes(const dnnl_memory_desc_t *desc)
{
    return (int64_t)dnnl_memory_desc_get_size(desc);
}

#endif
