/* Curve reader: see curve_reader.h. */
#include "server/curve_reader.h"

enum { SLICE_ROWS = 5000, POINTS_OF_STRETCH = 3 };

/* Whether stretches of that level may be too many for the points: only then do they say enough. */
static bool may_suffice(const struct curve_reader *reader, int level)
{
    const int64_t width = stretch_width(level);
    const int64_t places = reader->curve.last.step / width - reader->curve.first.step / width + 1;

    return places > ((int64_t)reader->most - 2) / POINTS_OF_STRETCH;
}

/* From the first row on, by stretches of that level or narrower. */
static void begin(struct curve_reader *reader, int level)
{
    while (level > 0 && !may_suffice(reader, level))
        level--;
    thin_drop(&reader->thin);
    thin_init(&reader->thin, reader->most, stretch_width(level));
    reader->piece.level = level;
    reader->piece.from = reader->curve.first.step;
    reader->piece.to = reader->curve.last.step;
    reader->over = reader->ready = reader->curve.first.step == 0;
}

void curve_reader_open(struct curve_reader *reader, const struct curve *curve,
                       const struct curve_piece *piece, size_t most)
{
    *reader = (struct curve_reader){.curve = *curve, .piece = *piece, .most = most};
    reader->piece.series = curve->series;
    reader->piece.limit = SLICE_ROWS;
    begin(reader, most > 0 ? STRETCH_LEVELS - 1 : 0);
}

void curve_reader_close(struct curve_reader *reader)
{
    thin_drop(&reader->thin);
}

static bool take(void *context, const struct stretch *stretch)
{
    struct curve_reader *reader = context;
    const struct stretch_row row = stretch->min.step != 0 ? stretch->min : stretch->odd;

    return reader->most > 0 ? thin_add_stretch(&reader->thin, stretch)
                            : thin_add(&reader->thin, row.step, row.value);
}

/* All is read. Where the buckets are as narrow as the stretches, rows might give narrower ones. */
static bool finish(struct curve_reader *reader, struct error *error)
{
    if (reader->most > 0 && reader->piece.level > 0 &&
        reader->thin.width == stretch_width(reader->piece.level)) {
        begin(reader, reader->piece.level - 1);
        return true;
    }
    thin_ends(&reader->thin, reader->curve.first, reader->curve.last);
    reader->ready = reader->over = true;
    return thin_finish(&reader->thin) ||
           error_set(error, ERROR_MEMORY, "metrics", "no memory for the points");
}

bool curve_reader_read(struct curve_reader *reader, struct db *db, struct error *error)
{
    int64_t next = 0;

    if (!store_curve_read(db, &reader->piece, take, reader, &next, error))
        return false;
    reader->piece.from = next;
    if (next > reader->piece.to)
        return finish(reader, error);
    reader->ready = reader->most == 0;
    return true;
}

void curve_reader_go_on(struct curve_reader *reader)
{
    reader->thin.count = 0;
    reader->ready = false;
}

void curve_reader_rewind(struct curve_reader *reader)
{
    if (reader->most == 0)
        begin(reader, 0);
}
