/* Places: which class and split each image of a folder belongs to, by the files' names alone. Knows
 * nothing of what is in the files. */
#ifndef CORE_DATASET_PLACES_H
#define CORE_DATASET_PLACES_H

#include "core/dataset_format.h"

/* Where an image goes. */
struct image_slot {
    const char *class_name; /* first byte of it, not terminated */
    size_t class_length;
    int64_t turn,
        turns;        /* which of the images of its class and split it is, by name, of how many */
    int64_t position; /* in its split */
    uint16_t label;
    uint8_t part;
    bool image;
};

struct image_places {
    const struct fileset_view *view;
    struct image_slot *slots; /* one for each file of the view; free */
    int64_t counts[PARTS];    /* images of each split */
};

/* The folders of the splits: "train", "test". */
extern const char *const image_part_names[PARTS];

/* Whether images lie where this format wants them. */
bool image_places_probe(const struct fileset_view *view);
/* Places every image and names the classes in the content. Images of one class stand in the order
 * of their names; the classes are spread evenly over the split, so that its beginning is like all
 * of it, and nobody who takes the first ones, or the ones in order, sees one class alone. An image
 * out of place, and a picture of a kind that is not read, are errors. */
bool image_places_find(const struct fileset_view *view, struct image_places *out,
                       struct dataset_content *content, struct error *error) MUST_CHECK;

#endif
