/* Source, inside: what the source_*.c files share and nobody else includes. */
#ifndef CORE_SOURCE_INSIDE_H
#define CORE_SOURCE_INSIDE_H

#include "core/arena.h"
#include "core/source.h"

struct source {
    bool folder; /* else an archive */
    bool zip;
    int file;      /* the open folder or archive */
    char name[96]; /* the archive's, for messages */
    struct arena names;
    struct source_file *files;
    size_t count, room;
};

/* Copies the name. Refuses what makes the source too large. */
bool source_add(struct source *source, const struct source_file *file,
                struct error *error) MUST_CHECK;

/* Takes the descriptor, also when memory is gone (NULL). */
struct source *source_make(int file, const char *name, struct error *error);
bool source_is_zip(int file);
/* Fills the sorted list of files. */
bool source_list(struct source *source, struct error *error) MUST_CHECK;

/* ---- source_folder.c ---- */

bool source_folder_list(struct source *source, struct error *error) MUST_CHECK;
bool source_folder_visit(const struct source_view *view, const bool *wanted, source_each *each,
                         void *context, struct error *error) MUST_CHECK;

/* ---- source_archive.c ---- */

bool source_archive_list(struct source *source, struct error *error) MUST_CHECK;
bool source_archive_visit(const struct source_view *view, const bool *wanted, source_each *each,
                          void *context, struct error *error) MUST_CHECK;

#endif
