#include "objects.h"

#include "files/regular_file.h"
#include "schema/recording_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Of one file, and of all: a recording is not to fill the disk with what is only for names. */
#define FILE_SIZE_MAX ((uint64_t)256 << 20)
#define SIZE_MAX_ALL  ((uint64_t)1 << 30)

/* Of what is free, no more than this part. */
#define FREE_PART 4

#define PIECE_SIZE ((size_t)1 << 20)

struct ct_objects {
    char *folder;  /* owned */
    uint64_t size; /* of all that was copied */
};

struct ct_objects *ct_objects_new(const char *path)
{
    struct ct_objects *objects = g_new0(struct ct_objects, 1);

    objects->folder = g_build_filename(path, CT_OBJECTS_FOLDER, NULL);
    return objects;
}

void ct_objects_free(struct ct_objects *objects)
{
    g_free(objects->folder);
    g_free(objects);
}

char *ct_object_key(const char *build_id, uint32_t major, uint32_t minor, uint64_t inode)
{
    return *build_id != '\0' ? g_strdup(build_id)
                             : g_strdup_printf("%x-%x-%" PRIx64, major, minor, inode);
}

static gboolean has_room(const struct ct_objects *objects, uint64_t size)
{
    struct statvfs disk;

    return size <= FILE_SIZE_MAX && size <= SIZE_MAX_ALL - MIN(objects->size, SIZE_MAX_ALL) &&
           statvfs(objects->folder, &disk) == 0 &&
           size / disk.f_frsize <= disk.f_bavail / FREE_PART;
}

/* Shares the blocks where the file system can. Up to `size`, should the file grow meanwhile. */
static gboolean copy(int from, int to, uint64_t size)
{
    g_autofree char *piece = NULL;

    while (size > 0) {
        ssize_t done = copy_file_range(from, NULL, to, NULL, size, 0);

        if (done < 0 && errno != EINTR) {
            piece = piece != NULL ? piece : g_malloc(PIECE_SIZE);
            done = read(from, piece, MIN(size, PIECE_SIZE));
            if (done > 0 && write(to, piece, (size_t)done) != done)
                return FALSE;
        }
        if (done <= 0 && (done == 0 || errno != EINTR))
            return FALSE;
        size -= (uint64_t)MAX(done, 0);
    }
    return TRUE;
}

static gboolean write_copy(const struct ct_objects *objects, const char *key, int from,
                           const struct stat *status)
{
    g_autofree char *path = g_build_filename(objects->folder, key, NULL);
    g_autofree char *aside = g_strconcat(path, ".part", NULL);
    unlink(aside); /* what a recorder that was killed left */
    int to = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (to < 0)
        return FALSE;
    gboolean is_done = copy(from, to, (uint64_t)status->st_size);

    is_done = close(to) == 0 && is_done && rename(aside, path) == 0;
    if (!is_done)
        unlink(aside);
    return is_done;
}

static gboolean is_kept(const struct ct_objects *objects, const char *key)
{
    g_autofree char *path = g_build_filename(objects->folder, key, NULL);

    return access(path, F_OK) == 0;
}

void ct_objects_keep(struct ct_objects *objects, const char *key, const char *place,
                     const char *name)
{
    struct stat status, named;
    int from = ct_regular_file_open(place);

    if (from < 0)
        return;
    if (fstat(from, &status) == 0 &&
        (stat(name, &named) != 0 || named.st_ino != status.st_ino ||
         named.st_dev != status.st_dev) &&
        !is_kept(objects, key) && (mkdir(objects->folder, 0700) == 0 || errno == EEXIST) &&
        has_room(objects, (uint64_t)status.st_size) && write_copy(objects, key, from, &status))
        objects->size += (uint64_t)status.st_size;
    close(from);
}
