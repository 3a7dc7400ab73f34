/* traind train: what is seen. On a terminal one line that is drawn again ten times a second, in
 * files and pipes a line now and then. */
#include "server/command_train_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 24 };

static const double redraw_seconds = 0.1, line_seconds = 10;

void train_show_start(struct training *training)
{
    struct train_screen *screen = &training->screen;

    *screen =
        (struct train_screen){.terminal = isatty(STDOUT_FILENO), .quiet = training->options->quiet};
    screen->began_at = screen->drawn_at = clock_seconds();
    fflush(stdout);
}

/* "1:02:03" or "0:07". */
static void duration_text(double seconds, char *out, size_t size)
{
    int64_t whole = (int64_t)(seconds + 0.5);

    if (whole >= 3600)
        snprintf(out, size, "%" PRId64 ":%02d:%02d", whole / 3600, (int)(whole / 60 % 60),
                 (int)(whole % 60));
    else
        snprintf(out, size, "%d:%02d", (int)(whole / 60), (int)(whole % 60));
}

static void bar_text(double fraction, char out[BAR_CELLS + 1])
{
    int full = (int)(fraction * BAR_CELLS);

    memset(out, '.', BAR_CELLS);
    memset(out, '#', (size_t)full);
    out[BAR_CELLS] = '\0';
}

static void draw(struct training *training)
{
    struct train_screen *screen = &training->screen;
    const struct plan *plan = &training->plan;
    const struct step_report *last = &training->last;
    double fraction = (double)last->step / (double)plan->steps;
    double elapsed = clock_seconds() - screen->began_at;
    char eta[32], bar[BAR_CELLS + 1];

    duration_text(elapsed / fraction - elapsed, eta, sizeof(eta));
    bar_text(fraction, bar);
    if (screen->terminal)
        printf("\r[%s] ", bar);
    printf("%3d %%  epoch %" PRId64 "/%" PRId64 "  step %" PRId64 "/%" PRId64
           "  loss %.4g  %.0f images/s  ETA %s",
           (int)(fraction * 100), last->epoch, plan->epochs, last->step, plan->steps,
           last->train_loss, screen->training > 0 ? (double)screen->samples / screen->training : 0,
           eta);
    /* \33[K clears what a longer line left behind. */
    fputs(screen->terminal ? "\33[K" : "\n", stdout);
    fflush(stdout);
    screen->bar_drawn = screen->terminal;
    screen->drawn_at = clock_seconds();
}

/* Puts the bar out of the way of a line that stays. */
static void clear_bar(struct train_screen *screen)
{
    if (screen->bar_drawn)
        fputs("\r\33[K", stdout);
    screen->bar_drawn = false;
}

void train_show_step(struct training *training, double seconds)
{
    struct train_screen *screen = &training->screen;
    const struct step_report *last = &training->last;

    screen->training += seconds;
    screen->samples += last->samples;
    screen->loss_sum += last->train_loss * (double)last->samples;
    screen->loss_samples += last->samples;
    if (!screen->quiet &&
        clock_seconds() - screen->drawn_at >= (screen->terminal ? redraw_seconds : line_seconds))
        draw(training);
}

void train_show_evaluation(struct training *training)
{
    struct train_screen *screen = &training->screen;
    const struct evaluation *evaluation = &training->evaluation;
    const struct step_report *last = &training->last;
    char elapsed[32];

    if (!screen->quiet && screen->loss_samples > 0) {
        duration_text(clock_seconds() - screen->began_at, elapsed, sizeof(elapsed));
        clear_bar(screen);
        printf("epoch %" PRId64 "/%" PRId64 "  step %" PRId64 "  train loss %.4g", last->epoch,
               training->plan.epochs, last->step, screen->loss_sum / (double)screen->loss_samples);
        if (evaluation->total > 0)
            printf("  val loss %.4g  val accuracy %.4f",
                   evaluation->loss_sum / (double)evaluation->total,
                   (double)evaluation->correct / (double)evaluation->total);
        printf("  %s\n", elapsed);
        fflush(stdout);
    }
    screen->loss_sum = 0;
    screen->loss_samples = 0;
}

void train_show_note(struct training *training, const char *format, ...)
{
    va_list list;

    if (training->screen.quiet)
        return;
    clear_bar(&training->screen);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
    fflush(stdout);
}

void train_show_end(struct training *training)
{
    struct train_screen *screen = &training->screen;
    const struct evaluation *evaluation = &training->evaluation;
    double seconds = clock_seconds() - screen->began_at;

    clear_bar(screen);
    if (training->stopped)
        printf("stopped after step %" PRId64 " of %" PRId64 ", %.1f s\n", training->last.step,
               training->plan.steps, seconds);
    else if (evaluation->total > 0)
        printf("%s accuracy %.4f, loss %.4g, after %" PRId64 " steps in %.1f s\n",
               either_is_number(&training->spec.dataset.validation) ? "validation" : "test",
               (double)evaluation->correct / (double)evaluation->total,
               evaluation->loss_sum / (double)evaluation->total, training->last.step, seconds);
    else
        printf("train loss %.4g, not evaluated, after %" PRId64 " steps in %.1f s\n",
               training->last.train_loss, training->last.step, seconds);
    fflush(stdout);
}
