/* What the command_train_*.c files share: one job, one terminal. Knows no server, no database. */
#ifndef SERVER_COMMAND_TRAIN_PARTS_H
#define SERVER_COMMAND_TRAIN_PARTS_H

#include "core/trainer.h"
#include "server/clock.h"
#include "server/initial.h"
#include "server/spec_json.h"

#include <signal.h>

enum { TRAIN_DATA_MAX = 16 };

struct train_options {
    const char *spec_path;
    const char *out_path; /* NULL: the weights are not kept */
    int threads;          /* 0: the spec's, or every processor */
    enum kernel_choice kernels;
    bool quiet;
    const char *data[TRAIN_DATA_MAX]; /* "NAME=PATH" */
    int data_count;
    const char *data_dir;                /* where `traind dataset add` puts what it adds */
    const char *weights[TRAIN_DATA_MAX]; /* "NAME=PATH" */
    int weights_count;
};

/* What is on the screen. */
struct train_screen {
    bool terminal; /* a bar that is drawn again; lines otherwise */
    bool quiet;
    bool bar_drawn;
    double began_at, drawn_at; /* monotonic seconds */
    double training;           /* seconds spent in steps */
    int64_t samples;           /* seen in those */
    double loss_sum;           /* over the epoch's samples */
    int64_t loss_samples;
};

struct training {
    const struct train_options *options;
    struct spec spec;
    struct job_meta meta;
    struct plan plan;
    struct dataset *dataset;
    struct trainer *trainer;
    struct step_report last;
    struct train_screen screen;
    struct evaluation evaluation; /* the newest one; total 0: none yet */
    uint8_t *kept;         /* the newest checkpoint, or NULL where none is ever gone back to */
    bool ended;            /* before the last step, by the spec's wish */
    sigset_t stop_signals; /* blocked; looked at between steps */
    bool stopped;
};

/* ---- command_train_open.c: from the file's name to something that can be trained. Prints what is
 * wrong. ---- */

bool train_open(struct training *training, struct error *error) MUST_CHECK;
/* Any training that train_open has seen, also where it failed. */
void train_close(struct training *training);

/* ---- command_train_initial.c ---- */

/* The numbers that init_from wants, none where it is absent; to be dropped. */
bool train_read_initial(const struct training *training, struct initial *out,
                        struct problems *problems, struct error *error) MUST_CHECK;

/* ---- command_train_run.c ---- */

/* From the first step to the last, or to where the run is to end. */
bool train_run(struct training *training, struct error *error) MUST_CHECK;

/* ---- command_train_show.c ---- */

void train_show_start(struct training *training);
/* Counts a step that took `seconds`, and draws when it is time. */
void train_show_step(struct training *training, double seconds);
void train_show_evaluation(struct training *training);
/* A line of its own about the step that was just done. */
void train_show_note(struct training *training, const char *format, ...) PRINTF_LIKE(2, 3);
void train_show_end(struct training *training);

/* ---- command_train_save.c ---- */

/* Before hours of training: whether the weights will find a place. True when none is wanted. */
bool train_can_save(const struct train_options *options, struct error *error) MUST_CHECK;
/* Writes the weights to options->out_path as safetensors: all of it or nothing. */
bool train_save(const struct training *training, struct error *error) MUST_CHECK;

#endif
