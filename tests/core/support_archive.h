/* Support for tests: archives of every kind that data sets come in. All of these fail the test when
 * they cannot do what they say. */
#ifndef TESTS_CORE_SUPPORT_ARCHIVE_H
#define TESTS_CORE_SUPPORT_ARCHIVE_H

#include <stddef.h>

enum packing {
    PACK_TAR,
    PACK_TAR_PAX,
    PACK_TAR_GZ,
    PACK_TAR_ZST,
    PACK_ZIP,
    PACK_ZIP_STORED,
    PACKINGS
};

struct pack;

struct pack *pack_begin(const char *path, enum packing packing);
void pack_add(struct pack *pack, const char *name, const void *bytes, size_t size);
void pack_add_folder(struct pack *pack, const char *name);
void pack_add_link(struct pack *pack, const char *name, const char *target, int hard);
void pack_add_device(struct pack *pack, const char *name);
void pack_end(struct pack *pack);

/* Writes a tar archive whose one entry claims to have that size, all of it a hole but one byte. */
void write_hole(const char *path, const char *name, const char *size);

/* Packs all files in `folder`, each with `prefix` before its name, the last names first. */
void pack_folder(const char *folder, const char *path, enum packing packing, const char *prefix);

#endif
