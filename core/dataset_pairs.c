/* Pairs: see dataset_pairs.h. */
#include "core/dataset_pairs.h"

#include <inttypes.h>
#include <stdlib.h>

enum role { ROLE_IMAGES, ROLE_LABELS, ROLES };

struct loading {
    const struct pair_format *format;
    struct dataset_content *content;
    size_t at[PARTS][ROLES]; /* indices of files */
    bool there[PARTS][ROLES];
    size_t names;
    bool names_there;
};

static bool find_first(const struct fileset_view *view, const char *const *names, size_t *index)
{
    for (; *names != NULL; names++)
        if (fileset_find(view, *names, index))
            return true;
    return false;
}

bool pairs_probe(const struct fileset_view *view, const struct pair_format *format)
{
    const struct pair_names *names = &format->names[PART_TRAIN];
    size_t index;

    return find_first(view, names->images, &index) || find_first(view, names->labels, &index);
}

static bool find_part(const struct fileset_view *view, struct loading *loading, int part,
                      struct error *error)
{
    const struct pair_names *names = &loading->format->names[part];
    bool *there = loading->there[part];

    there[ROLE_IMAGES] = find_first(view, names->images, &loading->at[part][ROLE_IMAGES]);
    there[ROLE_LABELS] = find_first(view, names->labels, &loading->at[part][ROLE_LABELS]);
    if (part == PART_TEST && !there[ROLE_IMAGES] && !there[ROLE_LABELS])
        return true;
    if (!there[ROLE_IMAGES])
        return error_set(error, ERROR_CORRUPT, names->images[0],
                         "the labels are there and the images are not");
    if (!there[ROLE_LABELS])
        return error_set(error, ERROR_CORRUPT, names->labels[0],
                         "the images are there and the labels are not");
    return true;
}

static bool load_file(void *context, size_t index, struct stream *stream, struct error *error)
{
    struct loading *loading = context;
    const struct pair_format *format = loading->format;

    if (loading->names_there && index == loading->names)
        return dataset_read_names(stream, loading->content, error);
    for (int part = 0; part < PARTS; part++) {
        if (loading->there[part][ROLE_IMAGES] && index == loading->at[part][ROLE_IMAGES])
            return format->images(stream, loading->content, part, error);
        if (loading->there[part][ROLE_LABELS] && index == loading->at[part][ROLE_LABELS])
            return format->labels(stream, loading->content, part, error);
    }
    return true;
}

static bool check_counts(const struct fileset_view *view, const struct loading *loading,
                         struct error *error)
{
    for (int i = 0; i < PARTS; i++) {
        const struct dataset_part *part = &loading->content->parts[i];

        if (part->labels_count != part->count)
            return error_set(error, ERROR_CORRUPT, fileset_name(view, loading->at[i][ROLE_LABELS]),
                             "there are %" PRId64 " labels for %" PRId64 " images",
                             part->labels_count, part->count);
    }
    return true;
}

bool pairs_load(const struct fileset_view *view, const struct pair_format *format,
                struct dataset_content *content, struct error *error)
{
    struct loading loading = {.format = format, .content = content};
    bool *wanted = calloc(view->count, sizeof(*wanted));
    bool good = wanted != NULL;

    if (!good)
        error_set(error, ERROR_MEMORY, "", "no memory to read the data set");
    for (int part = 0; good && part < PARTS; part++) {
        good = find_part(view, &loading, part, error);
        for (int role = 0; good && role < ROLES; role++)
            if (loading.there[part][role])
                wanted[loading.at[part][role]] = true;
    }
    loading.names_there =
        format->class_names != NULL && fileset_find(view, format->class_names, &loading.names);
    if (good && loading.names_there)
        wanted[loading.names] = true;
    good = good && fileset_visit(view, wanted, load_file, &loading, error) &&
           check_counts(view, &loading, error);
    free(wanted);
    return good;
}
