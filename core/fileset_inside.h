/* Fileset, inside: what the fileset_*.c files share and nobody else includes. */
#ifndef CORE_FILESET_INSIDE_H
#define CORE_FILESET_INSIDE_H

#include "core/arena.h"
#include "core/fileset.h"

struct fileset {
    bool folder; /* else an archive */
    bool zip;
    int file;      /* the open folder or archive */
    char name[96]; /* the archive's, for messages */
    struct arena names;
    struct fileset_file *files;
    size_t count, room;
};

/* Copies the name. Refuses what makes the fileset too large. */
bool fileset_add(struct fileset *fileset, const struct fileset_file *file,
                 struct error *error) MUST_CHECK;

/* Takes the descriptor, also when memory is gone (NULL). */
struct fileset *fileset_make(int file, const char *name, struct error *error);
bool fileset_is_zip(int file);
/* Fills the sorted list of files. */
bool fileset_list(struct fileset *fileset, struct error *error) MUST_CHECK;

/* ---- fileset_folder.c ---- */

bool fileset_folder_list(struct fileset *fileset, struct error *error) MUST_CHECK;
bool fileset_folder_visit(const struct fileset_view *view, const bool *wanted, fileset_each *each,
                          void *context, struct error *error) MUST_CHECK;

/* ---- fileset_archive.c ---- */

bool fileset_archive_list(struct fileset *fileset, struct error *error) MUST_CHECK;
bool fileset_archive_visit(const struct fileset_view *view, const bool *wanted, fileset_each *each,
                           void *context, struct error *error) MUST_CHECK;

#endif
