#include "tree.h"

#include "kernel/spool.h"
#include "schema/recording_files.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FTW_OPEN_FDS 16

/* How a CTF metadata file begins: in packets, of this machine's byte order or another's. */
#define METADATA_MAGIC 0x75d11d57u

/* The parts that a recording can have: a directory with anything else in it is not one. */
static const char *const parts[] = {
    "ust", "closing", "kernel", CT_JIT_FOLDER, CT_SPOOL_FOLDER, CT_OBJECTS_FOLDER, CT_TREE_RESERVE};

/* nftw gives its callback no data. */
static gboolean has_metadata;
static uint64_t total_bytes;

static gboolean has_only_parts(const char *path)
{
    GDir *entries = g_dir_open(path, 0, NULL);
    gboolean is_ours = entries != NULL;
    const char *name;

    while (is_ours && (name = g_dir_read_name(entries)) != NULL) {
        gboolean is_part = FALSE;
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
            is_part = is_part || strcmp(name, parts[i]) == 0;
        is_ours = is_part;
    }
    if (entries != NULL)
        g_dir_close(entries);
    return is_ours;
}

static int look_for_metadata(const char *path, const struct stat *status, int type,
                             struct FTW *walk)
{
    uint32_t magic = 0;

    (void)status;
    if (type != FTW_F || strcmp(path + walk->base, "metadata") != 0)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    if (read(fd, &magic, sizeof(magic)) == sizeof(magic))
        has_metadata = magic == METADATA_MAGIC || magic == GUINT32_SWAP_LE_BE(METADATA_MAGIC);
    close(fd);
    return has_metadata;
}

gboolean ct_tree_is_recording(const char *path)
{
    if (!has_only_parts(path))
        return FALSE;
    has_metadata = FALSE;
    nftw(path, look_for_metadata, FTW_OPEN_FDS, FTW_PHYS);
    return has_metadata;
}

gboolean ct_tree_is_empty(const char *path)
{
    GDir *entries = g_dir_open(path, 0, NULL);
    gboolean is_empty = entries != NULL && g_dir_read_name(entries) == NULL;

    if (entries != NULL)
        g_dir_close(entries);
    return is_empty;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    remove(path);
    return 0;
}

void ct_tree_remove(const char *path)
{
    nftw(path, remove_entry, FTW_OPEN_FDS, FTW_DEPTH | FTW_PHYS);
}

void ct_tree_remove_parts(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *part = g_build_filename(path, parts[i], NULL);
        ct_tree_remove(part);
    }
}

static int add_size(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F)
        total_bytes += (uint64_t)status->st_size;
    return 0;
}

uint64_t ct_tree_size(const char *path)
{
    total_bytes = 0;
    nftw(path, add_size, FTW_OPEN_FDS, FTW_PHYS);
    return total_bytes;
}
