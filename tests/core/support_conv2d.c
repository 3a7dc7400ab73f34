/* Support for tests: see support_conv2d.h. */
#include "tests/core/support_conv2d.h"

#include "core/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Groups that both channel counts can be shared out to: often one, all or few channels each. */
static void roll_groups(struct dice *dice, struct lot *lot, int64_t *out_channels, int64_t *groups)
{
    int64_t in = 1, out = 1;

    *groups = 1;
    lot->input.channels = roll_channels(dice);
    *out_channels = roll_channels(dice);
    if (roll(dice, 0, 1) == 0)
        return;
    *groups = roll_channels(dice);
    if (roll(dice, 0, 1) == 0)
        in = roll(dice, 1, 5);
    out = roll(dice, 0, 1) == 0 ? in : roll(dice, 1, 5);
    lot->input.channels = *groups * in;
    *out_channels = *groups * out;
}

/* Padding of one axis that its mode allows, and a size that the kernel fits into. */
static void roll_axis(struct dice *dice, const char *mode, struct sliding *w)
{
    int64_t free, extent;

    w->kernel = roll(dice, 1, 5);
    w->dilation = roll(dice, 0, 2) == 0 ? roll(dice, 1, 4) : 1;
    w->stride = roll(dice, 1, 3);
    w->before = w->behind = roll(dice, 0, 3);
    extent = window_extent(w);
    free = extent - 2 * w->before > 1 ? extent - 2 * w->before : 1;
    w->size = roll(dice, free, free + 12);
    if (strcmp(mode, "zeros") != 0 && w->size <= w->before)
        w->size = w->before + 1;
}

/* The options that both kinds share, behind the words that are there. */
static void roll_windows(struct dice *dice, struct lot *lot)
{
    static const char *const modes[] = {"zeros", "zeros", "reflect", "replicate", "circular"};
    const char *mode = modes[roll(dice, 0, 4)];
    struct sliding w[2] = {0};
    bool same = roll(dice, 0, 3) == 0;
    size_t length = strlen(lot->words);
    char padding[48];

    for (int axis = 0; axis < 2; axis++) {
        roll_axis(dice, mode, &w[axis]);
        if (roll(dice, 0, 1) == 0)
            w[axis].kernel = 3;
        if (same)
            w[axis].stride = 1;
        if (same || window_output(&w[axis]) == 0)
            w[axis].size += window_extent(&w[axis]);
    }
    snprintf(padding, sizeof(padding), "%" PRId64 ",%" PRId64, w[0].before, w[1].before);
    lot->input.height = w[0].size;
    lot->input.width = w[1].size;
    snprintf(lot->words + length, sizeof(lot->words) - length,
             " kernel_size=%" PRId64 ",%" PRId64 " stride=%" PRId64 ",%" PRId64 " dilation=%" PRId64
             ",%" PRId64 " padding=%s padding_mode=%s bias=%s",
             w[0].kernel, w[1].kernel, w[0].stride, w[1].stride, w[0].dilation, w[1].dilation,
             same ? "same" : padding, mode, roll(dice, 0, 3) == 0 ? "false" : "true");
}

void roll_conv2d(struct dice *dice, struct lot *lot)
{
    int64_t out_channels, groups;

    roll_groups(dice, lot, &out_channels, &groups);
    snprintf(lot->words, sizeof(lot->words),
             "conv2d out_channels=%" PRId64 " groups=%" PRId64 " flip_kernel=%s", out_channels,
             groups, roll(dice, 0, 3) == 0 ? "true" : "false");
    roll_windows(dice, lot);
}

void roll_locally_connected2d(struct dice *dice, struct lot *lot)
{
    lot->input.channels = roll(dice, 1, 20);
    snprintf(lot->words, sizeof(lot->words), "locally_connected2d out_channels=%" PRId64,
             roll(dice, 1, 20));
    roll_windows(dice, lot);
}
