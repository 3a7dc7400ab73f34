/* Spec: what a user asked to be trained, as plain structs, and the tables that describe every field
 * of it. Knows nothing of JSON, of data set files or of memory sizes (plan does). */
#ifndef CORE_SPEC_H
#define CORE_SPEC_H

#include "core/arena.h"
#include "core/field.h"
#include "core/problem.h"

/* Largest batch_size. */
enum { SPEC_BATCH_MAX = 65536 };

enum spec_validation { VALIDATION_TEST, VALIDATION_NONE };
enum spec_precision { PRECISION_FP32, PRECISION_BF16 };

/* Indices into spec_metrics. */
enum spec_metric {
    METRIC_VAL_LOSS,
    METRIC_VAL_ACCURACY,
    METRIC_TRAIN_LOSS,
    METRIC_TRAIN_ACCURACY,
    SPEC_METRICS
};

/* Images that are made, not read: see dataset_synthetic.h. */
struct spec_synthetic {
    bool given;
    struct list shape; /* of struct spec_side: channels, height, width */
    int64_t classes, samples;
    int64_t test_samples; /* FIELD_ABSENT until completed: a quarter of the samples, rounded up */
};
struct spec_side {
    int64_t size;
};

struct spec_dataset {
    char name[65];                   /* "": none … */
    struct spec_synthetic synthetic; /* … but this one; after spec_complete it is one of both */
    bool shuffle;
    int64_t limit;            /* first N training samples, or FIELD_ABSENT */
    struct either validation; /* enum spec_validation, or the share of the training samples that is
                                 held out; absent until spec_settle */
    struct variant normalize; /* of normalize_kinds; kind NULL until spec_settle */
    struct variants augment;  /* of augment_kinds */
};

/* {"epochs": n} or {"steps": n}; the other one is FIELD_ABSENT. */
struct spec_every {
    bool given;
    int64_t epochs, steps;
};

struct spec_checkpoint {
    bool given;
    struct spec_every every;
    int64_t keep_last, keep_best;
    int metric; /* index into spec_metrics */
};

struct spec_early_stopping {
    bool given;
    int metric; /* index into spec_metrics */
    int64_t patience;
    double min_delta;
};

enum spec_init_checkpoint { INIT_CHECKPOINT_BEST, INIT_CHECKPOINT_LAST };

/* Weights of another run instead of drawn ones: of a job, or of a file. */
struct spec_init_from {
    bool given;
    char job[65];             /* "": of a file */
    struct either checkpoint; /* of the job: enum spec_init_checkpoint, or a step */
    char weights[65];         /* "": of a job */
};

struct spec_run {
    int64_t seed;              /* FIELD_ABSENT until drawn by who accepts the job */
    int64_t epochs, max_steps; /* after spec_complete exactly one of them is set */
    int64_t batch_size;
    bool drop_last;
    int precision;                          /* enum spec_precision */
    int64_t threads;                        /* FIELD_ABSENT: the daemon's default */
    double clip_grad_norm, clip_grad_value; /* NAN: off */
};

struct spec {
    struct arena arena; /* owns every option block and list below */
    struct spec_dataset dataset;
    struct variants model;
    struct variant loss, optimizer, lr_schedule;
    struct spec_run run;
    struct spec_every evaluate_every;
    struct spec_checkpoint checkpoint;
    struct spec_early_stopping early_stopping;
    struct variant on_divergence; /* of divergence_kinds */
    struct spec_init_from init_from;
};

/* Options that every layer takes. */
struct layer_common {
    char name[65];
};

/* The rows of a whole spec, and of its data set. */
extern const struct fields spec_fields, spec_dataset_fields;

/* Names of what evaluations measure, NULL-ended, in the order of enum spec_metric: what a
 * checkpoint can be "best" by, and what schedules and early stopping can watch. */
extern const char *const spec_metrics[];
/* Whether a larger value of that metric is the better one. */
bool spec_metric_larger_is_better(int metric);

/* All defaults, empty lists. */
void spec_init(struct spec *spec);
void spec_drop(struct spec *spec);

/* A variant of `kind` with its defaults, its blocks in `arena`. False when memory is gone. */
bool variant_make(struct arena *arena, const struct kinds *kinds, const struct kind *kind,
                  struct variant *out);

/* Gives every variant inside the struct at `base` that the user left out its row's default kind,
 * and every layer the defaults that depend on its other options: in nested objects, in options of
 * variants, in layers inside layers. What an absent optional object holds is left alone. As deep as
 * the variants lie in each other, so deep is the recursion: who reads them sets the bound. False
 * when memory is gone. */
bool spec_complete_rows(struct arena *arena, const struct fields *fields, void *base);

/* After reading: fills defaults that depend on other fields (default kinds, 1 epoch) and checks the
 * rules between fields, adding to *problems. Call once. False only when memory is gone. */
bool spec_complete(struct spec *spec, struct problems *problems, struct error *error) MUST_CHECK;
/* The data set's part of it. */
void spec_dataset_complete(struct spec_dataset *dataset, struct problems *problems);

#endif
