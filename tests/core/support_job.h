/* Support for tests: jobs from a few words (support_words.h). Everything fails the test when it
 * cannot do what it says. */
#ifndef TESTS_CORE_SUPPORT_JOB_H
#define TESTS_CORE_SUPPORT_JOB_H

#include "core/trainer.h"
#include "tests/core/support_words.h"

/* What is 0 or NULL has the spec's default. */
struct job_words {
    const char *model;     /* layers with " | " between them */
    const char *optimizer; /* NULL: "sgd lr=0.01" */
    const char *schedule, *loss;
    int64_t epochs, max_steps, limit, batch_size, seed;
    bool shuffle, drop_last;
    const char *normalize;
    const char *augment; /* with " | " between them */
    double validation;   /* a fraction; −1: none */
    enum spec_precision precision;
};

struct job {
    struct spec spec;
    struct plan plan;
    struct dataset *dataset;
};

/* A planned job on `dataset`, of which it takes a reference of its own. */
void job_make(struct job *job, const struct job_words *words, struct dataset *dataset);
void job_drop(struct job *job);
struct trainer *job_trainer(const struct job *job, int threads, enum kernel_choice kernels);
/* One step that must succeed. */
struct step_report step(struct trainer *trainer);

/* LeNet-5 and a small network of odd sizes with all layer kinds, in words. */
extern const char lenet5_words[], odd_net_words[];

#endif
