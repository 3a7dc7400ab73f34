/* PyTorch: a job's network as a short script of nn modules, whose names are those of the tensors in
 * our safetensors files. Knows nothing of jobs' states or of files.
 *
 * What users wrote (names) stands in it as string literals only: a script that somebody else's job
 * made runs nothing of his. */
#ifndef SERVER_PYTORCH_H
#define SERVER_PYTORCH_H

#include "core/layer.h"
#include "core/normalize.h"
#include "server/body.h"

struct pytorch_source {
    const struct spec *spec;
    const struct plan *plan;
    const struct normalization *normalization;
    const char *job, *name; /* its id; its name, any text */
    const char *classes;    /* JSON list of their names; NULL: they have none */
    const char *training;   /* Python comments, lines that begin with #: how it is trained */
};

/* Appends the script. What cannot be written goes to *problems, with the layer's pointer. */
void pytorch_write(const struct pytorch_source *source, struct body *out,
                   struct problems *problems);

/* ---- between the pytorch_* files ---- */

/* How a kind of layer is written: NAME(arguments, option=value, …). */
struct pytorch_layer {
    const struct kind *layer;   /* of layer_kinds */
    const char *module;         /* "nn.Conv2d", or a class of `definition` */
    const char *definition;     /* a class that PyTorch has not; NULL */
    const char *const *options; /* NULL-ended: those that the module takes under the same name and
                                   with the same default */
    /* What stands before them; NULL: nothing. */
    void (*arguments)(struct body *out, const struct plan_layer *layer);
    /* Another row for some options; NULL: never. */
    const struct pytorch_layer *(*instead)(const void *options);
};
/* NULL: there is none. */
const struct pytorch_layer *pytorch_layer_find(const struct kind *layer, const void *options);

/* Classes that PyTorch has not. */
extern const char pytorch_flipped_conv2d[], pytorch_locally_connected2d[], pytorch_residual[],
    pytorch_concat[];
/* The script's end, which is always the same. */
extern const char pytorch_end[];

/* A value as Python writes it. */
void pytorch_value(struct body *out, const struct field *field, const void *base);
bool pytorch_is_default(const struct field *field, const void *base);
/* "name=value" of the named options (NULL-ended; large and small letters are the same) of the
 * struct at `base` that are required or not at their defaults. `lead` stands before the first one,
 * commas between. */
void pytorch_options(struct body *out, const struct fields *fields, const void *base,
                     const char *const *names, const char *lead);
/* The functions make_optimizer and make_schedule. */
void pytorch_course(struct body *out, const struct spec *spec, const struct plan *plan);

#endif
