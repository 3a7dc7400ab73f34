/* Source: opening, sorting, finding. Knows neither how a folder is listed nor how an archive is. */
#include "core/source_inside.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool source_add(struct source *source, const struct source_file *file, struct error *error)
{
    char *name;

    if (source->count == SOURCE_FILES_MAX)
        return error_set(error, ERROR_TOO_LARGE, source->name,
                         "the %s holds more than %d files and folders", source_noun(source),
                         SOURCE_FILES_MAX);
    if (source->names.used > SOURCE_NAMES_MAX)
        return error_set(error, ERROR_TOO_LARGE, source->name,
                         "the names of the %s's files take more than %d MiB", source_noun(source),
                         SOURCE_NAMES_MAX >> 20);
    if (source->count == source->room) {
        size_t room = source->room > 0 ? 2 * source->room : 64;
        struct source_file *larger = realloc(source->files, room * sizeof(*larger));

        if (larger == NULL)
            return error_set(error, ERROR_MEMORY, source->name, "no memory for the list of files");
        source->files = larger;
        source->room = room;
    }
    name = arena_copy_text(&source->names, file->name);
    if (name == NULL)
        return error_set(error, ERROR_MEMORY, source->name, "no memory for the list of files");
    source->files[source->count] = *file;
    source->files[source->count++].name = name;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

/* An archive may list a folder twice, and nothing else. */
static bool sort(struct source *source, struct error *error)
{
    size_t kept = 0;

    if (source->count > 0)
        qsort(source->files, source->count, sizeof(*source->files), by_name);
    for (size_t i = 0; i < source->count; i++) {
        const struct source_file *file = &source->files[i];

        if (kept > 0 && strcmp(source->files[kept - 1].name, file->name) == 0) {
            char name[96];

            if (file->type == SOURCE_FOLDER && source->files[kept - 1].type == SOURCE_FOLDER)
                continue;
            text_show(name, sizeof(name), file->name);
            return error_set(error, ERROR_INVALID, name, "this name occurs twice in the archive");
        }
        source->files[kept++] = *file;
    }
    source->count = kept;
    return true;
}

bool source_list(struct source *source, struct error *error)
{
    return (source->folder ? source_folder_list(source, error)
                           : source_archive_list(source, error)) &&
           sort(source, error);
}

bool source_is_zip(int file)
{
    uint8_t magic[4];

    return pread(file, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 'P' &&
           magic[1] == 'K' && (magic[2] == 3 || magic[2] == 5) && magic[3] == magic[2] + 1;
}

static bool look(struct source *source, struct error *error)
{
    struct stat status;

    if (fstat(source->file, &status) != 0)
        return error_set(error, ERROR_IO, "", "the data set cannot be looked at: %s",
                         strerror(errno));
    source->folder = S_ISDIR(status.st_mode);
    if (!source->folder && !S_ISREG(status.st_mode))
        return error_set(error, ERROR_INVALID, "",
                         "the data set is neither a folder nor a regular file");
    source->zip = !source->folder && source_is_zip(source->file);
    return true;
}

struct source *source_make(int file, const char *name, struct error *error)
{
    struct source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        error_set(error, ERROR_MEMORY, "", "no memory to open the data set");
        close(file);
        return NULL;
    }
    source->file = file;
    text_show(source->name, sizeof(source->name), name);
    return source;
}

bool source_open(const char *path, struct source **out, struct error *error)
{
    const char *slash = strrchr(path, '/');
    /* Without O_NONBLOCK the open of a pipe would wait for a writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct source *source;

    if (file < 0)
        return error_set(error, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO,
                         "", "the data set cannot be opened: %s", strerror(errno));
    source = source_make(file, slash != NULL ? slash + 1 : path, error);
    if (source == NULL)
        return false;
    if (!look(source, error) || !source_list(source, error)) {
        source_close(source);
        return false;
    }
    *out = source;
    return true;
}

void source_close(struct source *source)
{
    if (source == NULL)
        return;
    close(source->file);
    arena_drop(&source->names);
    free(source->files);
    free(source);
}

const char *source_noun(const struct source *source)
{
    return source->folder ? "folder" : "archive";
}

struct source_view source_all(struct source *source)
{
    return (struct source_view){.source = source, .files = source->files, .count = source->count};
}

/* The first file whose name is not below `name`, of which `length` bytes count. */
static size_t lower_bound(const struct source_view *view, const char *name, size_t length)
{
    size_t low = 0, high = view->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strncmp(source_name(view, middle), name, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct source_view source_below(const struct source_view *view, const char *folder)
{
    struct source_view below = {.source = view->source};
    size_t length = strlen(folder);
    char prefix[SOURCE_NAME_MAX + 2];

    if (length > SOURCE_NAME_MAX)
        return below;
    memcpy(prefix, folder, length);
    prefix[length++] = '/';
    prefix[length] = '\0';
    size_t first = lower_bound(view, prefix, length);

    below.files = view->files + first;
    while (first + below.count < view->count &&
           strncmp(source_name(view, first + below.count), prefix, length) == 0)
        below.count++;
    below.prefix = view->prefix + length;
    return below;
}

const char *source_name(const struct source_view *view, size_t index)
{
    return view->files[index].name + view->prefix;
}

bool source_find(const struct source_view *view, const char *name, size_t *index)
{
    size_t at = lower_bound(view, name, strlen(name) + 1);

    if (at == view->count || strcmp(source_name(view, at), name) != 0)
        return false;
    *index = at;
    return true;
}

bool source_visit(const struct source_view *view, const bool *wanted, source_each *each,
                  void *context, struct error *error)
{
    for (size_t i = 0; i < view->count; i++)
        if (wanted[i] && view->files[i].type != SOURCE_FILE) {
            char name[96];

            text_show(name, sizeof(name), source_name(view, i));
            return error_set(error, ERROR_INVALID, name, "this is not a regular file");
        }
    return view->source->folder ? source_folder_visit(view, wanted, each, context, error)
                                : source_archive_visit(view, wanted, each, context, error);
}
