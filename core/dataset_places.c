/* Places: see dataset_places.h. */
#include "core/dataset_places.h"

#include "core/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const read_endings[] = {".png", ".jpg", ".jpeg", NULL};
/* Pictures, but not these: leaving them out in silence would train on half of a data set. */
static const char *const other_endings[] = {".bmp",  ".gif", ".tif",  ".tiff", ".webp",
                                            ".avif", ".ppm", ".pgm",  ".jp2",  ".heic",
                                            ".tga",  ".jpe", ".jfif", ".jxl",  NULL};

const char *const image_part_names[PARTS] = {"train", "test"};

/* A name taken apart. */
struct place {
    int depth; /* parts */
    int part;  /* which split's folder it begins with, −1: none */
};

static bool ends_with(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');

    for (; dot != NULL && *endings != NULL; endings++)
        if (strcasecmp(dot, *endings) == 0)
            return true;
    return false;
}

static struct place place_of(const char *name)
{
    struct place place = {.depth = 1, .part = -1};
    size_t first = strcspn(name, "/");

    for (const char *at = name; *at != '\0'; at++)
        place.depth += *at == '/';
    for (int part = 0; part < PARTS; part++)
        if (strlen(image_part_names[part]) == first &&
            strncmp(name, image_part_names[part], first) == 0 && name[first] == '/')
            place.part = part;
    return place;
}

static bool is_image(const struct fileset_view *view, size_t index)
{
    return view->files[index].type == FILESET_FILE &&
           ends_with(fileset_name(view, index), read_endings);
}

/* The one folder that all images of the view lie in; false when there is none. */
static bool common_folder(const struct fileset_view *view, struct fileset_view *out)
{
    char folder[FILESET_NAME_MAX + 1] = "";

    for (size_t i = 0; i < view->count; i++) {
        const char *name = fileset_name(view, i);
        size_t length = strcspn(name, "/");

        if (!is_image(view, i))
            continue;
        if (name[length] == '\0' || length >= sizeof(folder) ||
            (folder[0] != '\0' && (strlen(folder) != length || strncmp(folder, name, length) != 0)))
            return false;
        memcpy(folder, name, length);
    }
    *out = fileset_below(view, folder);
    return folder[0] != '\0';
}

static bool looks_like_images(const struct fileset_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        struct place place = place_of(fileset_name(view, i));

        if ((place.depth == 2 || (place.depth == 3 && place.part >= 0)) && is_image(view, i))
            return true;
    }
    return false;
}

/* Whether there are folders for the splits; else folders are classes. */
static bool has_parts(const struct fileset_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        if (is_image(view, i) && place_of(fileset_name(view, i)).part >= 0)
            return true;
    return false;
}

/* An image in the folder around it all does not make that folder a class. */
bool image_places_probe(const struct fileset_view *view)
{
    struct fileset_view inside;

    if (!looks_like_images(view))
        return false;
    return has_parts(view) || !common_folder(view, &inside) || !looks_like_images(&inside);
}

static bool refuse(const struct fileset_view *view, size_t index, enum error_kind kind,
                   const char *text, struct error *error)
{
    char name[96];

    text_show(name, sizeof(name), fileset_name(view, index));
    return error_set(error, kind, name, "%s", text);
}

/* Finds out which class and split the file belongs to, if it is an image. */
static bool place_file(struct image_places *places, size_t index, bool parts, struct error *error)
{
    const struct fileset_view *view = places->view;
    const char *name = fileset_name(view, index);
    struct place place = place_of(name);
    struct image_slot *slot = &places->slots[index];

    if (view->files[index].type == FILESET_CLOSED)
        return refuse(view, index, ERROR_IO, "the folder cannot be listed", error);
    if (view->files[index].type != FILESET_FILE)
        return true;
    if (ends_with(name, other_endings))
        return refuse(view, index, ERROR_UNSUPPORTED, "only PNG and JPEG images are read", error);
    if (!ends_with(name, read_endings))
        return true;
    if (parts && (place.part < 0 || place.depth != 3))
        return refuse(view, index, ERROR_INVALID,
                      "the image is out of place: train/CLASS/ and test/CLASS/ are looked into",
                      error);
    if (!parts && place.depth != 2)
        return refuse(view, index, ERROR_INVALID,
                      "the image is out of place: it must lie in its class's folder", error);
    slot->image = true;
    slot->part = parts ? (uint8_t)place.part : PART_TRAIN;
    slot->class_name = parts ? strchr(name, '/') + 1 : name;
    slot->class_length = strcspn(slot->class_name, "/");
    places->counts[slot->part]++;
    return true;
}

static bool place_files(struct image_places *places, struct error *error)
{
    bool parts = has_parts(places->view);

    for (size_t i = 0; i < places->view->count; i++)
        if (!place_file(places, i, parts, error))
            return false;
    return places->counts[PART_TRAIN] > 0 ||
           error_set(error, ERROR_CORRUPT, "train", "there are no training images");
}

static int by_class(const void *a, const void *b)
{
    const struct image_slot *one = *(const struct image_slot *const *)a,
                            *other = *(const struct image_slot *const *)b;
    size_t common =
        one->class_length < other->class_length ? one->class_length : other->class_length;
    int order = memcmp(one->class_name, other->class_name, common);

    if (order != 0)
        return order;
    return (one->class_length > other->class_length) - (one->class_length < other->class_length);
}

/* The class of the slot, which is a new one, gets its name. */
static bool name_class(struct dataset_content *content, const struct image_slot *slot,
                       struct error *error)
{
    char name[FILESET_NAME_MAX + 1], shown[96];
    int64_t index = content->class_name_count;

    memcpy(name, slot->class_name, slot->class_length);
    name[slot->class_length] = '\0';
    text_show(shown, sizeof(shown), name);
    if (!dataset_class_name_good(name))
        return error_set(error, ERROR_INVALID, shown,
                         "the folder's name is no name for a class: 1 to %d bytes of UTF-8 without "
                         "control characters are",
                         DATASET_CLASS_NAME_MAX);
    if (index == DATASET_CLASSES_MAX)
        return error_set(error, ERROR_TOO_LARGE, shown, "there are more than %d classes",
                         DATASET_CLASSES_MAX);
    content->class_names[index] = arena_copy_text(&content->arena, name);
    content->class_name_count++;
    return content->class_names[index] != NULL ||
           error_set(error, ERROR_MEMORY, shown, "no memory for the classes' names");
}

/* Gives every image its label. `sorted` has room for all slots. */
static bool number_classes(struct image_places *places, struct image_slot **sorted,
                           struct dataset_content *content, struct error *error)
{
    size_t count = 0, classes = 0;

    for (size_t i = 0; i < places->view->count; i++)
        if (places->slots[i].image)
            sorted[count++] = &places->slots[i];
    qsort(sorted, count, sizeof(*sorted), by_class);
    for (size_t i = 0; i < count; i++)
        classes += i == 0 || by_class(&sorted[i - 1], &sorted[i]) != 0;
    content->class_names = arena_take_array(&content->arena, classes, sizeof(char *));
    if (content->class_names == NULL)
        return error_set(error, ERROR_MEMORY, "", "no memory for the classes' names");
    for (size_t i = 0; i < count; i++) {
        if ((i == 0 || by_class(&sorted[i - 1], &sorted[i]) != 0) &&
            !name_class(content, sorted[i], error))
            return false;
        sorted[i]->label = (uint16_t)(content->class_name_count - 1);
    }
    return true;
}

/* By split, then by how far each is through its class: the middle of its turn. Two fractions are
 * compared by whole numbers; equal ones go by class. */
static int by_share(const void *a, const void *b)
{
    const struct image_slot *one = *(const struct image_slot *const *)a,
                            *other = *(const struct image_slot *const *)b;
    int64_t left = (2 * one->turn + 1) * other->turns, right = (2 * other->turn + 1) * one->turns;

    if (one->part != other->part)
        return one->part - other->part;
    if (left != right)
        return left < right ? -1 : 1;
    return one->label - other->label;
}

/* Gives every image its position. `sorted` has room for all slots. */
static bool spread_classes(struct image_places *places, struct image_slot **sorted, size_t classes,
                           struct error *error)
{
    int64_t *counts = calloc(classes * PARTS, sizeof(*counts)), next[PARTS] = {0};
    size_t count = 0;

    if (counts == NULL)
        return error_set(error, ERROR_MEMORY, "", "no memory to read the data set");
    for (size_t i = 0; i < places->view->count; i++) {
        struct image_slot *slot = &places->slots[i];

        if (!slot->image)
            continue;
        slot->turn = counts[slot->label * PARTS + slot->part]++;
        sorted[count++] = slot;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i]->turns = counts[sorted[i]->label * PARTS + sorted[i]->part];
    qsort(sorted, count, sizeof(*sorted), by_share);
    for (size_t i = 0; i < count; i++)
        sorted[i]->position = next[sorted[i]->part]++;
    free(counts);
    return true;
}

bool image_places_find(const struct fileset_view *view, struct image_places *out,
                       struct dataset_content *content, struct error *error)
{
    struct image_slot **sorted = calloc(view->count, sizeof(struct image_slot *));
    bool good;

    *out = (struct image_places){.view = view};
    out->slots = calloc(view->count, sizeof(*out->slots));
    good = sorted != NULL && out->slots != NULL;
    if (!good)
        error_set(error, ERROR_MEMORY, "", "no memory to read the data set");
    good = good && place_files(out, error) && number_classes(out, sorted, content, error) &&
           spread_classes(out, sorted, (size_t)content->class_name_count, error);
    free(sorted);
    return good;
}
