/* Folders of images: train/CLASS/ and test/CLASS/, or CLASS/ alone, each with PNG and JPEG files.
 * Classes are numbered by the order of their names. Knows nothing of how an image is decoded.
 *
 * Every image must have the size of all others. If grey and coloured ones occur, all become RGB. */
#include "core/dataset_places.h"
#include "core/image.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_BYTES_MAX = 128 << 20 };

_Static_assert((int)IMAGE_SIDE_MAX == (int)DATASET_SIDE_MAX, "an image's sides are a set's sides");

struct images {
    struct image_places places;
    struct dataset_content *content;
    struct shape sample;
    size_t first; /* the file that the shape comes from */
    bool begun;
    bool *done[PARTS]; /* by position: it has been decoded */
};

static bool fill_labels(struct images *images, struct error *error)
{
    for (int part = 0; part < PARTS; part++) {
        int64_t count = images->places.counts[part];

        if (count > 0 && !dataset_claim_labels(&images->content->parts[part], count,
                                               image_part_names[part], error))
            return false;
    }
    for (size_t i = 0; i < images->places.view->count; i++) {
        const struct image_slot *slot = &images->places.slots[i];

        if (slot->image)
            images->content->parts[slot->part].labels[slot->position] = slot->label;
    }
    return true;
}

/* Images of one colour pack as well as any bomb does, so it is all of them together that must be
 * worth what they take. An archive may have packed alike files once more: its own size counts. */
static bool check_worth(const struct images *images, const char *where, struct error *error)
{
    const struct fileset_view *view = images->places.view;
    int64_t count = images->places.counts[PART_TRAIN] + images->places.counts[PART_TEST];
    int64_t wanted = saturating_product(count, shape_elements(&images->sample)), files = 0;
    int64_t packed = fileset_packed(view->fileset);

    for (size_t i = 0; i < view->count; i++)
        files += images->places.slots[i].image ? view->files[i].size : 0;
    if (files > packed)
        files = packed;
    return wanted <= STREAM_FREE + saturating_product(STREAM_RATIO, files) ||
           error_set(error, ERROR_TOO_LARGE, where,
                     "%" PRId64 " images of %" PRId64 "×%" PRId64
                     " pixels would take more than %d times the bytes that came",
                     count, images->sample.width, images->sample.height, STREAM_RATIO);
}

/* Room for all images once the first one has shown their size, and once more when the first
 * coloured one comes after grey ones. */
static bool make_room(struct images *images, const char *where, struct error *error)
{
    const struct shape *sample = &images->sample;

    if (!check_worth(images, where, error))
        return false;
    for (int part = 0; part < PARTS; part++) {
        const struct dataset_claim claim = {
            .count = images->places.counts[part],
            .sides = {sample->channels, sample->height, sample->width}};
        struct dataset_part *own = &images->content->parts[part];
        uint8_t *larger;
        int64_t bytes;

        if (claim.count == 0)
            continue;
        if (!dataset_claim(images->content, part, &claim, &bytes, where, error))
            return false;
        larger = realloc(own->images, (size_t)bytes);
        if (larger == NULL)
            return error_set(error, ERROR_MEMORY, where, "no memory for %" PRId64 " images",
                             claim.count);
        own->images = larger;
    }
    return true;
}

/* The grey images that are there become RGB, from the last one on, so that none is overwritten. */
static void spread_colours(struct images *images)
{
    size_t plane = (size_t)(images->sample.height * images->sample.width);

    for (int part = 0; part < PARTS; part++) {
        uint8_t *all = images->content->parts[part].images;

        for (int64_t i = images->places.counts[part]; i-- > 0;) {
            if (!images->done[part][i])
                continue;
            for (size_t channel = 3; channel-- > 0;)
                memmove(all + ((size_t)i * 3 + channel) * plane, all + (size_t)i * plane, plane);
        }
    }
}

static bool compare_size(const struct images *images, size_t index, const struct image *image,
                         struct error *error)
{
    char name[96], first[96];

    if (image->height == images->sample.height && image->width == images->sample.width)
        return true;
    text_show(name, sizeof(name), fileset_name(images->places.view, index));
    text_show(first, sizeof(first), fileset_name(images->places.view, images->first));
    return error_set(error, ERROR_INVALID, name,
                     "%s is %" PRId64 "×%" PRId64 " pixels and %s is %" PRId64 "×%" PRId64
                     "; all images must have one size",
                     name, image->width, image->height, first, images->sample.width,
                     images->sample.height);
}

static bool keep_image(struct images *images, size_t index, const struct image *image,
                       const char *where, struct error *error)
{
    const struct image_slot *slot = &images->places.slots[index];
    size_t plane = (size_t)(image->height * image->width);
    uint8_t *to;

    if (!images->begun) {
        images->begun = true;
        images->first = index;
        images->sample = (struct shape){
            .channels = image->channels, .height = image->height, .width = image->width};
        if (!make_room(images, where, error))
            return false;
    }
    if (!compare_size(images, index, image, error))
        return false;
    if (image->channels > images->sample.channels) {
        images->sample.channels = image->channels;
        if (!make_room(images, where, error))
            return false;
        spread_colours(images);
    }
    to = images->content->parts[slot->part].images +
         (size_t)slot->position * plane * (size_t)images->sample.channels;
    for (int64_t channel = 0; channel < images->sample.channels; channel++)
        memcpy(to + (size_t)channel * plane,
               image->planes + (image->channels > 1 ? (size_t)channel * plane : 0), plane);
    images->done[slot->part][slot->position] = true;
    return true;
}

static bool load_image(void *context, size_t index, struct stream *stream, struct error *error)
{
    struct images *images = context;
    struct image image;
    uint8_t *bytes;
    size_t size;
    bool good;

    if (!stream_take_all(stream, IMAGE_BYTES_MAX, &bytes, &size, error))
        return false;
    good = image_decode(bytes, size, stream_name(stream), &image, error);
    free(bytes);
    if (!good)
        return false;
    good = keep_image(images, index, &image, stream_name(stream), error);
    image_drop(&image);
    return good;
}

static bool load_all(struct images *images, struct error *error)
{
    size_t count = images->places.view->count;
    bool *wanted = calloc(count, sizeof(*wanted));
    bool good = wanted != NULL;

    for (int part = 0; good && part < PARTS; part++) {
        images->done[part] = calloc((size_t)images->places.counts[part] + 1, sizeof(bool));
        good = images->done[part] != NULL;
    }
    if (!good)
        error_set(error, ERROR_MEMORY, "", "no memory to read the data set");
    for (size_t i = 0; good && i < count; i++)
        wanted[i] = images->places.slots[i].image;
    good = good && fill_labels(images, error) &&
           fileset_visit(images->places.view, wanted, load_image, images, error);
    free(wanted);
    return good;
}

static bool images_load(const struct fileset_view *view, struct dataset_content *content,
                        struct error *error)
{
    struct images images = {.content = content};
    bool good = image_places_find(view, &images.places, content, error) && load_all(&images, error);

    free(images.places.slots);
    for (int part = 0; part < PARTS; part++)
        free(images.done[part]);
    return good;
}

const struct dataset_format dataset_format_images = {"images", image_places_probe, images_load};
