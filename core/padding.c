/* Padding: see padding.h. */
#include "core/padding.h"

#include <string.h>

static int64_t width_of(const struct padding *p)
{
    return p->windows[1].before + p->windows[1].size + p->windows[1].behind;
}

static int64_t height_of(const struct padding *p)
{
    return p->windows[0].before + p->windows[0].size + p->windows[0].behind;
}

int64_t padding_bare(const struct padding *p)
{
    return saturating_product(saturating_product(p->windows[0].size, p->windows[1].size), p->lanes);
}

int64_t padding_whole(const struct padding *p)
{
    return saturating_product(saturating_product(height_of(p), width_of(p)), p->lanes);
}

/* The pixel that place `at` of a padded axis, counted from its first one, stands for; −1: none. */
static int64_t pixel_at(const struct sliding *w, int64_t at)
{
    at -= w->before;
    return at >= 0 && at < w->size ? at : window_shows(w, at);
}

/* Bytes of a pixel. */
static size_t pixel_size(const struct padding *p)
{
    return (size_t)p->lanes * number_size(p->number);
}

static void put_pixel(unsigned char *to, const unsigned char *bare_row, int64_t pixel, size_t size)
{
    if (pixel < 0)
        memset(to, 0, size);
    else
        memcpy(to, bare_row + (size_t)pixel * size, size);
}

static void put_row(const struct padding *p, const unsigned char *bare_row,
                    unsigned char *whole_row)
{
    const struct sliding *w = &p->windows[1];
    int64_t behind = w->before + w->size, width = width_of(p);
    size_t size = pixel_size(p);
    for (int64_t at = 0; at < w->before; at++)
        put_pixel(whole_row + (size_t)at * size, bare_row, pixel_at(w, at), size);
    memcpy(whole_row + (size_t)w->before * size, bare_row, (size_t)w->size * size);
    for (int64_t at = behind; at < width; at++)
        put_pixel(whole_row + (size_t)at * size, bare_row, pixel_at(w, at), size);
}

void padding_put(const struct padding *p, int64_t images, const void *bare, void *whole)
{
    size_t row = (size_t)width_of(p) * pixel_size(p);
    size_t bare_row = (size_t)p->windows[1].size * pixel_size(p);
    const unsigned char *from = bare;
    unsigned char *to = whole;
    for (int64_t image = 0; image < images; image++) {
        for (int64_t at = 0; at < height_of(p); at++, to += row) {
            int64_t pixel = pixel_at(&p->windows[0], at);
            if (pixel < 0)
                memset(to, 0, row);
            else
                put_row(p, from + (size_t)pixel * bare_row, to);
        }
        from += (size_t)p->windows[0].size * bare_row;
    }
}

VECTOR_CLONES static void add(real *restrict to, const real *restrict from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

static void fold_row(const struct padding *p, const real *whole_row, real *bare_row)
{
    const struct sliding *w = &p->windows[1];
    int64_t behind = w->before + w->size, width = width_of(p), pixel;
    add(bare_row, whole_row + w->before * p->lanes, w->size * p->lanes);
    for (int64_t at = 0; at < w->before; at++)
        if ((pixel = pixel_at(w, at)) >= 0)
            add(bare_row + pixel * p->lanes, whole_row + at * p->lanes, p->lanes);
    for (int64_t at = behind; at < width; at++)
        if ((pixel = pixel_at(w, at)) >= 0)
            add(bare_row + pixel * p->lanes, whole_row + at * p->lanes, p->lanes);
}

void padding_fold(const struct padding *p, int64_t images, const real *whole, real *bare)
{
    int64_t row = width_of(p) * p->lanes, bare_row = p->windows[1].size * p->lanes;
    memset(bare, 0, (size_t)(images * padding_bare(p)) * sizeof *bare);
    for (int64_t image = 0; image < images; image++, bare += padding_bare(p))
        for (int64_t at = 0; at < height_of(p); at++, whole += row) {
            int64_t pixel = pixel_at(&p->windows[0], at);
            if (pixel >= 0)
                fold_row(p, whole, bare + pixel * bare_row);
        }
}
