/* Fileset: opening, sorting, finding. Knows neither how a folder is listed nor how an archive is.
 */
#include "core/fileset_inside.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool fileset_add(struct fileset *fileset, const struct fileset_file *file, struct error *error)
{
    char *name;

    if (fileset->count == FILESET_FILES_MAX)
        return error_set(error, ERROR_TOO_LARGE, fileset->name,
                         "the %s holds more than %d files and folders", fileset_noun(fileset),
                         FILESET_FILES_MAX);
    if (fileset->names.used > FILESET_NAMES_MAX)
        return error_set(error, ERROR_TOO_LARGE, fileset->name,
                         "the names of the %s's files take more than %d MiB", fileset_noun(fileset),
                         FILESET_NAMES_MAX >> 20);
    if (fileset->count == fileset->room) {
        size_t room = fileset->room > 0 ? 2 * fileset->room : 64;
        struct fileset_file *larger = realloc(fileset->files, room * sizeof(*larger));

        if (larger == NULL)
            return error_set(error, ERROR_MEMORY, fileset->name, "no memory for the list of files");
        fileset->files = larger;
        fileset->room = room;
    }
    name = arena_copy_text(&fileset->names, file->name);
    if (name == NULL)
        return error_set(error, ERROR_MEMORY, fileset->name, "no memory for the list of files");
    fileset->files[fileset->count] = *file;
    fileset->files[fileset->count++].name = name;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fileset_file *)a)->name, ((const struct fileset_file *)b)->name);
}

/* An archive may list a folder twice, and nothing else. */
static bool sort(struct fileset *fileset, struct error *error)
{
    size_t kept = 0;

    if (fileset->count > 0)
        qsort(fileset->files, fileset->count, sizeof(*fileset->files), by_name);
    for (size_t i = 0; i < fileset->count; i++) {
        const struct fileset_file *file = &fileset->files[i];

        if (kept > 0 && strcmp(fileset->files[kept - 1].name, file->name) == 0) {
            char name[96];

            if (file->type == FILESET_FOLDER && fileset->files[kept - 1].type == FILESET_FOLDER)
                continue;
            text_show(name, sizeof(name), file->name);
            return error_set(error, ERROR_INVALID, name, "this name occurs twice in the archive");
        }
        fileset->files[kept++] = *file;
    }
    fileset->count = kept;
    return true;
}

bool fileset_list(struct fileset *fileset, struct error *error)
{
    return (fileset->folder ? fileset_folder_list(fileset, error)
                            : fileset_archive_list(fileset, error)) &&
           sort(fileset, error);
}

bool fileset_is_zip(int file)
{
    uint8_t magic[4];

    return pread(file, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 'P' &&
           magic[1] == 'K' && (magic[2] == 3 || magic[2] == 5) && magic[3] == magic[2] + 1;
}

static bool look(struct fileset *fileset, struct error *error)
{
    struct stat status;

    if (fstat(fileset->file, &status) != 0)
        return error_set(error, ERROR_IO, "", "the data set cannot be looked at: %s",
                         strerror(errno));
    fileset->folder = S_ISDIR(status.st_mode);
    if (!fileset->folder && !S_ISREG(status.st_mode))
        return error_set(error, ERROR_INVALID, "",
                         "the data set is neither a folder nor a regular file");
    fileset->zip = !fileset->folder && fileset_is_zip(fileset->file);
    return true;
}

struct fileset *fileset_make(int file, const char *name, struct error *error)
{
    struct fileset *fileset = calloc(1, sizeof(*fileset));

    if (fileset == NULL) {
        error_set(error, ERROR_MEMORY, "", "no memory to open the data set");
        close(file);
        return NULL;
    }
    fileset->file = file;
    text_show(fileset->name, sizeof(fileset->name), name);
    return fileset;
}

bool fileset_open(const char *path, struct fileset **out, struct error *error)
{
    const char *slash = strrchr(path, '/');
    /* Without O_NONBLOCK the open of a pipe would wait for a writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct fileset *fileset;

    if (file < 0)
        return error_set(error, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO,
                         "", "the data set cannot be opened: %s", strerror(errno));
    fileset = fileset_make(file, slash != NULL ? slash + 1 : path, error);
    if (fileset == NULL)
        return false;
    if (!look(fileset, error) || !fileset_list(fileset, error)) {
        fileset_close(fileset);
        return false;
    }
    *out = fileset;
    return true;
}

void fileset_close(struct fileset *fileset)
{
    if (fileset == NULL)
        return;
    close(fileset->file);
    arena_drop(&fileset->names);
    free(fileset->files);
    free(fileset);
}

const char *fileset_noun(const struct fileset *fileset)
{
    return fileset->folder ? "folder" : "archive";
}

struct fileset_view fileset_all(struct fileset *fileset)
{
    return (struct fileset_view){
        .fileset = fileset, .files = fileset->files, .count = fileset->count};
}

/* The first file whose name is not below `name`, of which `length` bytes count. */
static size_t lower_bound(const struct fileset_view *view, const char *name, size_t length)
{
    size_t low = 0, high = view->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strncmp(fileset_name(view, middle), name, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct fileset_view fileset_below(const struct fileset_view *view, const char *folder)
{
    struct fileset_view below = {.fileset = view->fileset};
    size_t length = strlen(folder);
    char prefix[FILESET_NAME_MAX + 2];

    if (length > FILESET_NAME_MAX)
        return below;
    memcpy(prefix, folder, length);
    prefix[length++] = '/';
    prefix[length] = '\0';
    size_t first = lower_bound(view, prefix, length);

    prefix[length - 1] = '/' + 1; /* what follows all that the folder holds */
    below.files = view->files + first;
    below.count = lower_bound(view, prefix, length) - first;
    below.prefix = view->prefix + length;
    return below;
}

const char *fileset_name(const struct fileset_view *view, size_t index)
{
    return view->files[index].name + view->prefix;
}

bool fileset_find(const struct fileset_view *view, const char *name, size_t *index)
{
    size_t at = lower_bound(view, name, strlen(name) + 1);

    if (at == view->count || strcmp(fileset_name(view, at), name) != 0)
        return false;
    *index = at;
    return true;
}

/* The first part of the name: its length, and whether the name before it in the view has it too. */
static size_t first_part(const struct fileset_view *view, size_t index, bool *again)
{
    const char *name = fileset_name(view, index);
    size_t length = strcspn(name, "/");

    *again = index > 0 && strncmp(fileset_name(view, index - 1), name, length) == 0 &&
             (fileset_name(view, index - 1)[length] == '/' ||
              fileset_name(view, index - 1)[length] == '\0');
    return length;
}

/* A name as a message shows it. */
static void show_part(const struct fileset_view *view, size_t index, size_t length,
                      const char *ending, char out[64])
{
    char part[128];
    size_t end = strlen(ending);

    (void)snprintf(part, sizeof(part), "%.*s", (int)length, fileset_name(view, index));
    length = strlen(part);
    if (length > end && strcmp(part + length - end, ending) == 0)
        part[length - end] = '\0';
    text_show(out, 64, part);
}

void fileset_print_names(const struct fileset_view *view, const char *ending, char *out,
                         size_t size)
{
    size_t used = 0, left = 0;
    bool again;

    (void)snprintf(out, size, "nothing");
    for (size_t i = 0; i < view->count; i++) {
        size_t length = first_part(view, i, &again);
        char shown[64];

        if (again)
            continue;
        show_part(view, i, length, ending, shown);
        if (left > 0 || used + strlen(shown) + sizeof(", and 1000000 more") > size)
            left++;
        else
            used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", shown);
    }
    if (left > 0)
        (void)snprintf(out + used, size - used, "%s%zu more", used > 0 ? ", and " : "", left);
}

int64_t fileset_packed(const struct fileset *fileset)
{
    struct stat status;

    return !fileset->folder && fstat(fileset->file, &status) == 0 ? (int64_t)status.st_size
                                                                  : INT64_MAX;
}

bool fileset_visit(const struct fileset_view *view, const bool *wanted, fileset_each *each,
                   void *context, struct error *error)
{
    for (size_t i = 0; i < view->count; i++)
        if (wanted[i] && view->files[i].type != FILESET_FILE) {
            char name[96];

            text_show(name, sizeof(name), fileset_name(view, i));
            return error_set(error, ERROR_INVALID, name, "this is not a regular file");
        }
    return view->fileset->folder ? fileset_folder_visit(view, wanted, each, context, error)
                                 : fileset_archive_visit(view, wanted, each, context, error);
}
