/* Support for tests: archives by libarchive. */
#include "tests/core/support_archive.h"

#include "tests/core/support.h"
#include "tests/harness.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct pack {
    struct archive *archive;
    locale_t utf8;
};

static void good(const struct pack *pack, int result)
{
    if (result != ARCHIVE_OK)
        FAIL("libarchive: %s", archive_error_string(pack->archive));
}

struct pack *pack_begin(const char *path, enum packing packing)
{
    struct pack *pack = calloc(1, sizeof(*pack));

    CHECK(pack != NULL);
    pack->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    CHECK(pack->utf8 != (locale_t)0);
    pack->archive = archive_write_new();
    if (packing == PACK_ZIP || packing == PACK_ZIP_STORED)
        good(pack, archive_write_set_format_zip(pack->archive));
    else if (packing == PACK_TAR_PAX)
        good(pack, archive_write_set_format_pax(pack->archive));
    else
        good(pack, archive_write_set_format_gnutar(pack->archive));
    if (packing == PACK_TAR_GZ)
        good(pack, archive_write_add_filter_gzip(pack->archive));
    if (packing == PACK_TAR_ZST)
        good(pack, archive_write_add_filter_zstd(pack->archive));
    /* Little padding. */
    good(pack, archive_write_set_bytes_per_block(pack->archive, 512));
    good(pack, archive_write_set_bytes_in_last_block(pack->archive, 1));
    if (packing == PACK_ZIP_STORED)
        good(pack, archive_write_zip_set_compression_store(pack->archive));
    good(pack, archive_write_open_filename(pack->archive, path));
    return pack;
}

static struct archive_entry *entry_new(const char *name, unsigned type, long long size)
{
    struct archive_entry *entry = archive_entry_new();

    CHECK(entry != NULL);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 1000000000, 0);
    archive_entry_set_size(entry, size);
    return entry;
}

/* Names are UTF-8; the rest of the test keeps its locale. */
static void put(struct pack *pack, struct archive_entry *entry)
{
    locale_t before = uselocale(pack->utf8);

    good(pack, archive_write_header(pack->archive, entry));
    archive_entry_free(entry);
    uselocale(before);
}

void pack_add(struct pack *pack, const char *name, const void *bytes, size_t size)
{
    put(pack, entry_new(name, AE_IFREG, (long long)size));
    CHECK(size == 0 || archive_write_data(pack->archive, bytes, size) == (la_ssize_t)size);
}

void pack_add_folder(struct pack *pack, const char *name)
{
    put(pack, entry_new(name, AE_IFDIR, 0));
}

void pack_add_link(struct pack *pack, const char *name, const char *target, int hard)
{
    struct archive_entry *entry = entry_new(name, hard ? AE_IFREG : AE_IFLNK, 0);

    if (hard)
        archive_entry_set_hardlink(entry, target);
    else
        archive_entry_set_symlink(entry, target);
    put(pack, entry);
}

void pack_add_device(struct pack *pack, const char *name)
{
    struct archive_entry *entry = entry_new(name, AE_IFCHR, 0);

    archive_entry_set_rdevmajor(entry, 1);
    archive_entry_set_rdevminor(entry, 5);
    put(pack, entry);
}

void pack_end(struct pack *pack)
{
    locale_t before = uselocale(pack->utf8);

    good(pack, archive_write_close(pack->archive));
    archive_write_free(pack->archive);
    uselocale(before);
    freelocale(pack->utf8);
    free(pack);
}

/* A header of the ustar format (POSIX, pax). */
static void write_head(uint8_t block[512], const char *name, char type, size_t size)
{
    unsigned sum = 0;

    memset(block, 0, 512);
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
    snprintf((char *)block, 100, "%s", name);
    snprintf((char *)block + 100, 8, "0000644");
    snprintf((char *)block + 124, 12, "%011zo", size);
    block[156] = (uint8_t)type;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
}

void write_hole(const char *path, const char *name, const char *size)
{
    uint8_t tar[6 * 512] = {0};
    char record[100], *text = (char *)tar + 512;
    size_t used = 0;
    const char *const records[][2] = {{"GNU.sparse.size", size},
                                      {"GNU.sparse.numblocks", "1"},
                                      {"GNU.sparse.offset", "0"},
                                      {"GNU.sparse.numbytes", "1"}};

    for (int i = 0; i < 4; i++) {
        int length = snprintf(record, sizeof(record), " %s=%s\n", records[i][0], records[i][1]);

        used += (size_t)snprintf(text + used, 512 - used, "%d%s", length + 2, record);
    }
    write_head(tar, "pax", 'x', used);
    write_head(tar + 1024, name, '0', 1);
    write_bytes(path, tar, sizeof(tar));
}

static int backwards(const struct dirent **a, const struct dirent **b)
{
    return alphasort(b, a);
}

static void pack_members(struct pack *pack, const char *folder, const char *prefix)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, backwards);

    CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        char path[600], name[600];
        struct stat status;
        size_t size;

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        snprintf(name, sizeof(name), "%s%s", prefix, names[i]->d_name);
        CHECK(stat(path, &status) == 0);
        if (S_ISREG(status.st_mode)) {
            uint8_t *bytes = read_bytes(path, &size);

            pack_add(pack, name, bytes, size);
            free(bytes);
        } else if (names[i]->d_name[0] != '.') {
            pack_add_folder(pack, name);
            snprintf(name, sizeof(name), "%s%s/", prefix, names[i]->d_name);
            pack_members(pack, path, name);
        }
        free(names[i]);
    }
    free(names);
}

void pack_folder(const char *folder, const char *path, enum packing packing, const char *prefix)
{
    struct pack *pack = pack_begin(path, packing);

    pack_members(pack, folder, prefix);
    pack_end(pack);
}
