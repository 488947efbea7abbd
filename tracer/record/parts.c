#include "parts.h"

#include "files/hole.h"
#include "files/regular_file.h"
#include "files/tree.h"
#include "schema/recording_files.h"
#include "spool/spool.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* How a CTF metadata file begins: in packets, of this machine's byte order or another's. */
#define METADATA_MAGIC 0x75d11d57u

static const char *const parts[] = {
    "ust",      "closing",     "kernel",     CT_JIT_FOLDER,   CT_SPOOL_FOLDER, CT_OBJECTS_FOLDER,
    CT_RESERVE, CT_INDEX_FILE, CT_INDEX_NEW, CT_SYMBOLS_FILE, CT_SYMBOLS_NEW,  CT_HOLE_PROBE};

static gboolean is_metadata(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint32_t magic = 0;

    (void)data;
    if (!S_ISREG(status->st_mode) || strcmp(name, "metadata") != 0)
        return FALSE;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    gboolean is_one = read(fd, &magic, sizeof(magic)) == sizeof(magic) &&
                      (magic == METADATA_MAGIC || magic == GUINT32_SWAP_LE_BE(METADATA_MAGIC));
    close(fd);
    return is_one;
}

gboolean ct_parts_are_recording(int folder_fd)
{
    return ct_tree_has_only(folder_fd, parts, G_N_ELEMENTS(parts)) &&
           ct_tree_walk_at(folder_fd, is_metadata, NULL);
}

void ct_parts_remove(int folder_fd)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        ct_tree_remove_at(folder_fd, parts[i]);
}
