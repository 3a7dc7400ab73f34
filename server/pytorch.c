/* PyTorch: the script around its layers. */
#include "server/pytorch.h"

#include "core/loss.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the network: chains of layers, and chains inside them, by the rows of their options ---- */

enum { INDENT = 4, PATH = 256 };

struct writing {
    const struct plan *plan;
    struct body *out;
    struct problems *problems;
};

static void indent(struct body *out, int depth)
{
    body_print(out, "%*s", depth * INDENT, "");
}

static const struct plan_layer *planned(const struct plan *plan, const char *path)
{
    for (int i = 0; i < plan->layer_count; i++)
        if (strcmp(plan->layers[i].path, path) == 0)
            return &plan->layers[i];
    return NULL;
}

/* "PATH.name", where PATH is "" at the top. No path of a network is longer than there is room. */
static void join(char out[PATH], const char *path, const char *name)
{
    int length = snprintf(out, PATH, "%s%s%s", path, path[0] ? "." : "", name);

    if (length < 0 || length >= PATH)
        out[0] = '\0';
}

static void join_index(char out[PATH], const char *path, size_t index)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%zu", index);
    join(out, path, number);
}

static void put_chain(const struct writing *writing, const struct variants *chain, const char *path,
                      int depth);

static void put_list(const struct writing *writing, const struct variant_lists *lists,
                     const char *path, int depth)
{
    char inner[PATH];

    body_text(writing->out, "[\n");
    for (size_t k = 0; k < lists->count; k++) {
        join_index(inner, path, k);
        indent(writing->out, depth + 1);
        put_chain(writing, &lists->items[k], inner, depth + 1);
        body_text(writing->out, ",\n");
    }
    indent(writing->out, depth);
    body_text(writing->out, "]");
}

static void put_chains(const struct writing *writing, const struct variant *layer, const char *path,
                       int depth)
{
    const struct fields *options = &layer->kind->options;
    char inner[PATH];

    for (size_t i = 0; i < options->count; i++) {
        const struct field *field = &options->rows[i];
        const void *value = layer->options ? field_at(field, layer->options) : NULL;
        if (field->kinds != &layer_kinds)
            continue;
        join(inner, path, field->name);
        indent(writing->out, depth);
        body_print(writing->out, "%s=", field->name);
        if (field->type == FIELD_VARIANTS)
            put_chain(writing, value, inner, depth);
        else
            put_list(writing, value, inner, depth);
        body_text(writing->out, ",\n");
    }
}

static bool holds_chains(const struct kind *kind)
{
    for (size_t i = 0; i < kind->options.count; i++)
        if (kind->options.rows[i].kinds == &layer_kinds)
            return true;
    return false;
}

/* Its path, what comes out, and what its user calls it. */
static void put_remark(struct body *out, const struct variant *layer,
                       const struct plan_layer *planned_layer)
{
    const struct layer_common *common = layer->common;
    const struct shape *shape = &planned_layer->output;

    body_print(out, "  # %s: %" PRId64, planned_layer->path, shape->channels);
    if (!shape->flat)
        body_print(out, " x %" PRId64 " x %" PRId64, shape->height, shape->width);
    if (common && common->name[0]) {
        body_text(out, " ");
        body_string(out, common->name);
    }
    body_text(out, "\n");
}

static void put_layer(const struct writing *writing, const struct variant *layer, const char *path,
                      int depth)
{
    const struct pytorch_layer *row = pytorch_layer_find(layer->kind, layer->options);
    const struct plan_layer *known = planned(writing->plan, path);
    struct body *out = writing->out;

    if (!row || !known) {
        problem_add(writing->problems, known ? known->pointer : "/model",
                    "%s has no module in PyTorch", layer->kind->name);
        return;
    }
    indent(out, depth);
    body_print(out, "%s(", row->module);
    if (row->arguments)
        row->arguments(out, known);
    if (row->options)
        pytorch_options(out, &layer->kind->options, layer->options, row->options,
                        row->arguments ? ", " : "");
    if (holds_chains(layer->kind)) {
        body_text(out, "\n");
        put_chains(writing, layer, path, depth + 1);
        indent(out, depth);
    }
    body_text(out, "),");
    put_remark(out, layer, known);
}

static void put_chain(const struct writing *writing, const struct variants *chain, const char *path,
                      int depth)
{
    struct body *out = writing->out;
    char inner[PATH];

    body_text(out, chain->count > 0 ? "nn.Sequential(\n" : "nn.Sequential(");
    for (size_t i = 0; i < chain->count; i++) {
        join_index(inner, path, i);
        put_layer(writing, &chain->items[i], inner, depth + 1);
    }
    if (chain->count > 0)
        indent(out, depth);
    body_text(out, ")");
}

static void put_network(const struct writing *writing, const struct spec *spec)
{
    body_text(writing->out, "def make_network():\n    return ");
    put_chain(writing, &spec->model, "", 1);
    body_text(writing->out, "\n\n\n");
}

/* ---- classes that PyTorch has not: each once ---- */

static void put_definitions(const struct plan *plan, struct body *out)
{
    for (int i = 0; i < plan->layer_count; i++) {
        const struct plan_layer *layer = &plan->layers[i];
        const struct pytorch_layer *row = pytorch_layer_find(layer->kind, layer->options), *other;
        bool known = !row || !row->definition;
        for (int k = 0; k < i && !known; k++) {
            other = pytorch_layer_find(plan->layers[k].kind, plan->layers[k].options);
            known = other && other->definition == row->definition;
        }
        if (!known)
            body_print(out, "%s\n\n", row->definition);
    }
}

/* ---- what stands around it ---- */

static void put_head(const struct pytorch_source *source, struct body *out)
{
    const struct shape *shape = &source->plan->data.sample;

    body_print(
        out,
        "#!/usr/bin/env python3\n"
        "\"\"\"A network that traind trained, for PyTorch.\n"
        "\n"
        "usage: python3 SCRIPT WEIGHTS.safetensors IMAGES.npy\n"
        "\n"
        "WEIGHTS are a checkpoint of the job: GET /v1/jobs/%s/checkpoints/best. IMAGES are N x "
        "%" PRId64 " x %" PRId64 " x %" PRId64 ",\n"
        "pixels as the data set has them%s. Prints for each image its number, the likeliest\n"
        "class, and how likely that is. To go on from here, import it.\n"
        "\"\"\"\n"
        "\n"
        "import json\n"
        "import sys\n"
        "\n"
        "import numpy\n"
        "import torch\n"
        "from torch import nn\n"
        "from torch.nn import functional\n"
        "\n"
        "JOB = \"%s\"\n"
        "NAME = ",
        source->job, shape->channels, shape->height, shape->width,
        source->plan->data.real_pixels ? "" : " (bytes: 0 ... 255)", source->job);
    body_string(out, source->name);
    body_print(out, "\nCLASSES = %s  # their names, where they have any\n\n\n",
               source->classes ? source->classes : "[]");
}

static void put_reals(struct body *out, const char *name, const real *values, int64_t count)
{
    body_print(out, "    %s = torch.tensor([", name);
    for (int64_t i = 0; i < count; i++)
        body_print(out, "%s%.9g", i > 0 ? ", " : "", (double)values[i]);
    body_text(out, "], device=pixels.device).reshape(1, -1, 1, 1)\n");
}

static void put_normalize(struct body *out, const struct normalization *n)
{
    body_text(out, "def normalize(pixels):\n"
                   "    \"\"\"Pixels as the data set has them become what the network was trained "
                   "on.\"\"\"\n");
    if (n->shifts) {
        put_reals(out, "mean", n->mean, n->channels);
        put_reals(out, "std", n->std, n->channels);
    }
    body_print(out, "    return %spixels.float()", n->shifts ? "(" : "");
    if (n->divisor != 1)
        body_print(out, " / %g", (double)n->divisor);
    body_text(out, n->shifts ? " - mean) / std\n\n\n" : "\n\n\n");
}

static void put_probabilities(struct body *out, const struct spec *spec)
{
    bool apart = ((const struct loss_kind *)spec->loss.kind)->apart;

    body_print(out, "def probabilities(scores):\n    return scores.%s\n\n\n",
               apart ? "sigmoid()  # of each class by itself" : "softmax(dim=1)");
}

void pytorch_write(const struct pytorch_source *source, struct body *out, struct problems *problems)
{
    const struct writing writing = {source->plan, out, problems};

    put_head(source, out);
    put_definitions(source->plan, out);
    put_network(&writing, source->spec);
    put_normalize(out, source->normalization);
    put_probabilities(out, source->spec);
    body_print(out, "# traind trained it so:\n%s\n\n", source->training);
    pytorch_course(out, source->spec, source->plan);
    body_text(out, pytorch_end);
}
