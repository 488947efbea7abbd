#include "room.h"

#include "files/tree.h"
#include "rlimits.h"
#include "spool/spool.h"

#include <sys/statvfs.h>

/* Below this a disk is full. */
#define FULL_SIZE (512 << 10)

/* What is written until the next look may be more than it was until this one. */
#define GROWTH_MARGIN 2

/* UINT64_MAX if that is not known. */
static uint64_t free_size(const char *place)
{
    struct statvfs status;

    if (statvfs(place, &status) != 0)
        return UINT64_MAX;
    return (uint64_t)status.f_bavail * status.f_frsize;
}

gboolean ct_room_is_none(const char *place)
{
    return free_size(place) < FULL_SIZE;
}

static gboolean note_largest(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint64_t *largest = data;

    (void)folder_fd;
    (void)name;
    if (S_ISREG(status->st_mode))
        *largest = MAX(*largest, (uint64_t)status->st_size);
    return FALSE;
}

/* How large one of its files is. */
static uint64_t largest_file(const char *ust, const char *spool)
{
    uint64_t largest = 0;

    ct_tree_walk(ust, note_largest, &largest);
    ct_tree_walk(spool, note_largest, &largest);
    return largest;
}

/* Why no file may grow until the next look as all did since the last one, or NULL. */
static char *check_file_size(const char *ust, const char *spool, uint64_t growth)
{
    uint64_t limit = ct_rlimits_file_size();
    uint64_t largest = limit != UINT64_MAX ? largest_file(ust, spool) : 0;

    if (limit == UINT64_MAX || largest + GROWTH_MARGIN * growth + FULL_SIZE <= limit)
        return NULL;
    return g_strdup_printf("a file of it had %.1f MB, and may have %.1f MB (ulimit -Hf)",
                           (double)largest / 1e6, (double)limit / 1e6);
}

char *ct_room_check(struct ct_room *room)
{
    g_autofree char *ust = g_build_filename(room->place, "ust", NULL);
    g_autofree char *spool = g_build_filename(room->place, CT_SPOOL_FOLDER, NULL);
    uint64_t spool_size = ct_tree_room(spool);
    uint64_t size = ct_tree_room(ust) + spool_size;
    uint64_t growth = size > room->size ? size - room->size : 0;
    uint64_t available = free_size(room->place);
    uint64_t needed = FULL_SIZE + spool_size + GROWTH_MARGIN * growth;

    room->size = size;
    if (room->max_size != 0 && size + growth > room->max_size)
        return g_strdup_printf("it had %.1f MB, and may have %.1f MB (--max-size)",
                               (double)size / 1e6, (double)room->max_size / 1e6);
    if (available < needed && available >= FULL_SIZE)
        return g_strdup_printf("the disk of %s was nearly full: %.1f MB were free, and finishing "
                               "the recording may take %.1f MB",
                               room->path, (double)available / 1e6, (double)needed / 1e6);
    return check_file_size(ust, spool, growth);
}
