/* Support for tests of checkpoints: a small run that has made one. */
#ifndef TESTS_CORE_SUPPORT_STAGE_H
#define TESTS_CORE_SUPPORT_STAGE_H

#include "tests/core/support_job.h"

extern const char stage_words[];

/* A trainer after three steps, and its checkpoint. */
struct stage {
    struct dataset *dataset;
    struct job job;
    struct trainer *trainer;
    uint8_t *bytes;
    size_t size;
};

/* In place: the trainer keeps the addresses of the job's spec and plan. */
void stage_set_up(struct stage *stage, const char *model, const char *optimizer);
void stage_tear_down(struct stage *stage);

/* Loading fails with that error, and the trainer is as it was. */
void stage_check_refused(struct stage *stage, const uint8_t *bytes, size_t size,
                         enum error_kind kind);

#endif
