/* max_pool2d by oneDNN, in any layout; the winners' places are kept per shard. */
#if TRAIND_ONEDNN
#include "core/layer.h"
#include "core/onednn.h"

#include <stdio.h>
#include <stdlib.h>

struct pool_state {
    struct onednn shared;
    struct onednn_primitive forward, backward;
    uint8_t *workspaces;    /* (shards, workspace_size) */
    int64_t workspace_size; /* bytes */
    char kernel[64];
};

static void forward(struct op *op, const struct op_call *call)
{
    struct pool_state *s = op->state;
    onednn_run(&s->shared, &s->forward, call->member,
               (const void *[]){call->x, call->y, s->workspaces + call->shard * s->workspace_size});
}

static void backward(struct op *op, const struct op_call *call)
{
    struct pool_state *s = op->state;
    if (call->dx)
        onednn_run(
            &s->shared, &s->backward, call->member,
            (const void *[]){call->dy, call->dx, s->workspaces + call->shard * s->workspace_size});
}

static void drop(struct op *op)
{
    struct pool_state *s = op->state;
    onednn_drop(&s->shared, &s->forward);
    onednn_drop(&s->shared, &s->backward);
    onednn_end(&s->shared);
    free(s);
}

static bool make_directions(struct pool_state *s, const struct op_setup *setup)
{
    const struct max_pool2d_options *o = setup->layer->options;
    const dnnl_memory_desc_t x =
        onednn_images(setup->shard_size, &setup->layer->input, setup->block);
    const dnnl_memory_desc_t y =
        onednn_images(setup->shard_size, &setup->layer->output, setup->block);
    const dnnl_dims_t stride = {o->stride[0], o->stride[1]},
                      kernel = {o->kernel_size[0], o->kernel_size[1]};
    const dnnl_dims_t padding = {o->padding[0], o->padding[1]};
    dnnl_pooling_desc_t desc;
    struct onednn_wish wish = {.operation = &desc, .settle = setup->settle};

    if (dnnl_pooling_forward_desc_init(&desc, dnnl_forward_training, dnnl_pooling_max, &x, &y,
                                       stride, kernel, padding, padding) != dnnl_success ||
        !onednn_make(&s->shared, &wish, &s->forward))
        return false;
    wish.hint = s->forward.desc;
    if (dnnl_pooling_backward_desc_init(&desc, dnnl_pooling_max, &x, &y, stride, kernel, padding,
                                        padding) != dnnl_success ||
        !onednn_make(&s->shared, &wish, &s->backward))
        return false;
    const dnnl_memory_desc_t *workspace = onednn_chosen(&s->forward, dnnl_query_workspace_md);
    s->workspace_size = (int64_t)(dnnl_memory_desc_get_size(workspace) + 63) / 64 * 64;
    return onednn_args(&s->shared, &s->forward,
                       (const struct onednn_arg[]){{DNNL_ARG_SRC, &x},
                                                   {DNNL_ARG_DST, &y},
                                                   {DNNL_ARG_WORKSPACE, workspace},
                                                   {0, NULL}}) &&
           onednn_args(&s->shared, &s->backward,
                       (const struct onednn_arg[]){{DNNL_ARG_DIFF_DST, &y},
                                                   {DNNL_ARG_DIFF_SRC, &x},
                                                   {DNNL_ARG_WORKSPACE, workspace},
                                                   {0, NULL}});
}

bool onednn_max_pool2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const char *name = "";
    struct pool_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    struct op made = {.state = s};
    if (!onednn_start(&s->shared, setup->members) || !make_directions(s, setup)) {
        drop(&made);
        return false;
    }
    block_reserve(setup->memory, &s->workspaces,
                  saturating_product(setup->shards, s->workspace_size), 1);
    onednn_reserve(&s->shared, setup->memory);
    dnnl_primitive_desc_query(s->forward.desc, dnnl_query_impl_info_str, 0, &name);
    snprintf(s->kernel, sizeof s->kernel, "oneDNN %s", name);
    *op = (struct op){.kernel = s->kernel,
                      .x_count = op_count(&layer->input, setup->block),
                      .y_count = op_count(&layer->output, setup->block),
                      .x_block = setup->block,
                      .y_block = setup->block,
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}

#endif
