#include "store/place.h"

#include "files/regular_file.h"
#include "files/tree.h"
#include "schema/recording_files.h"
#include "store/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CACHE_SUFFIX         ".index"
#define CACHE_SYMBOLS_SUFFIX ".symbols"

/* What nobody has asked for that long goes from the cache. */
#define CACHE_DAYS 30

#define MAGIC_SIZE CT_STORE_MAGIC_SIZE
_Static_assert(MAGIC_SIZE == CT_SYMBOLS_MAGIC_SIZE, "both are looked at alike");

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static gboolean is_folder(int at, const char *name)
{
    struct stat status;

    return fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* What begins so, of whatever it is; -1: there is none. `is_taken`: something else has the name. */
static int open_kept(int folder, const char *name, const char magic[MAGIC_SIZE], gboolean *is_taken)
{
    char begin[MAGIC_SIZE];
    int fd = ct_regular_file_open_at(folder, name, O_NOFOLLOW);

    *is_taken = fd < 0 && errno != ENOENT;
    if (fd < 0 || (pread(fd, begin, sizeof(begin), 0) == (ssize_t)sizeof(begin) &&
                   memcmp(begin, magic, sizeof(begin)) == 0))
        return fd;
    *is_taken = TRUE;
    close(fd);
    return -1;
}

static int open_unnamed(int folder, int flags)
{
    return openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);
}

/* TRUE: the place is settled. Takes the folder's descriptor. */
static gboolean try_folder(struct ct_store_place *place, int folder, const char *name,
                           gboolean is_own, unsigned *refused)
{
    gboolean is_taken;
    int index_fd = open_kept(folder, name, CT_STORE_MAGIC, &is_taken);

    if (index_fd >= 0 && *refused == 0) {
        place->index_fd = index_fd;
        close_fd(&place->new_fd);
        close_fd(&place->aside_fd);
        close_fd(&place->folder_fd);
        close(folder);
        return TRUE;
    }
    *refused -= index_fd >= 0;
    close_fd(&index_fd);
    if (is_own && !is_taken && place->new_fd < 0) {
        place->new_fd = open_unnamed(folder, 0);
        place->aside_fd = place->new_fd >= 0 ? open_unnamed(folder, O_EXCL) : -1;
    }
    if (place->new_fd >= 0 && place->folder_fd < 0) {
        place->folder_fd = folder;
        place->name = g_strdup(name);
    } else {
        close(folder);
    }
    return FALSE;
}

/* Not in any folder below which there are traces. */
static gboolean is_recording(int folder)
{
    return is_folder(folder, "ust") || is_folder(folder, "kernel");
}

static gboolean is_ours(int folder)
{
    struct stat status;

    return fstat(folder, &status) == 0 && status.st_uid == geteuid();
}

/* -1: there is none. */
static int open_cache(void)
{
    g_autofree char *path = g_build_filename(g_get_user_cache_dir(), "ctrace", NULL);

    if (!g_path_is_absolute(path) || g_mkdir_with_parents(path, 0700) != 0)
        return -1;
    return ct_tree_open(AT_FDCWD, path);
}

/* The recording's, wherever it is moved. */
static char *cache_name(int folder, const char *suffix)
{
    struct stat status;

    if (fstat(folder, &status) != 0)
        return NULL;
    return g_strdup_printf("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x%s",
                           (guint64)status.st_dev, (guint64)status.st_ino, suffix);
}

void ct_store_place_open(struct ct_store_place *place, const char *directory, unsigned refused)
{
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *place = (struct ct_store_place){.index_fd = -1, .new_fd = -1, .aside_fd = -1, .folder_fd = -1};
    if (folder < 0)
        return;
    g_autofree char *name = cache_name(folder, CACHE_SUFFIX);

    if (!is_recording(folder))
        close(folder);
    else if (try_folder(place, folder, CT_INDEX_FILE, is_ours(folder), &refused))
        return;
    /* Beside what is written into the recording, nothing is in the cache. */
    int cache = place->new_fd < 0 && name ? open_cache() : -1;

    if (cache >= 0 && try_folder(place, cache, name, TRUE, &refused))
        (void)!futimens(place->index_fd, NULL);
}

void ct_store_place_close(struct ct_store_place *place)
{
    close_fd(&place->index_fd);
    close_fd(&place->new_fd);
    close_fd(&place->aside_fd);
    close_fd(&place->folder_fd);
    g_clear_pointer(&place->name, g_free);
}

static gboolean is_forgotten(int folder, const char *name, const struct stat *status, void *data)
{
    const time_t *since = data;

    if (S_ISREG(status->st_mode) &&
        (g_str_has_suffix(name, CACHE_SUFFIX) || g_str_has_suffix(name, CACHE_SYMBOLS_SUFFIX)) &&
        status->st_mtim.tv_sec < *since)
        unlinkat(folder, name, 0);
    return FALSE;
}

static void tidy_cache(int folder)
{
    time_t since = time(NULL) - (time_t)CACHE_DAYS * 24 * 60 * 60;

    ct_tree_walk_at(folder, is_forgotten, &since);
}

static gboolean give_name(int fd, int folder, const char *name)
{
    g_autofree char *unnamed = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *draft = g_strdup_printf("%s.new", name);

    /* Left by one that ended just here, and as whole as this one. */
    unlinkat(folder, draft, 0);
    if (linkat(AT_FDCWD, unnamed, folder, draft, AT_SYMLINK_FOLLOW) != 0)
        return FALSE;
    if (renameat(folder, draft, folder, name) == 0)
        return TRUE;
    unlinkat(folder, draft, 0);
    return FALSE;
}

void ct_store_place_keep(const struct ct_store_place *place)
{
    if (place->new_fd < 0)
        return;
    give_name(place->new_fd, place->folder_fd, place->name);
    if (strcmp(place->name, CT_INDEX_FILE) != 0)
        tidy_cache(place->folder_fd);
}

/* ---- Symbols ---- */

/* Takes the folder's descriptor. */
static void try_symbols(struct ct_symbols_place *place, int folder, const char *name,
                        gboolean is_own, int *kept_fd)
{
    gboolean is_taken;

    *kept_fd = open_kept(folder, name, CT_SYMBOLS_MAGIC, &is_taken);
    if (is_own && !is_taken)
        place->new_fd = open_unnamed(folder, 0);
    if (place->new_fd >= 0) {
        place->folder_fd = folder;
        place->name = g_strdup(name);
    } else {
        close(folder);
    }
}

void ct_symbols_place_open(struct ct_symbols_place *place, const char *directory)
{
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *place = (struct ct_symbols_place){.kept_fds = {-1, -1}, .new_fd = -1, .folder_fd = -1};
    if (folder < 0)
        return;
    g_autofree char *name = cache_name(folder, CACHE_SYMBOLS_SUFFIX);

    if (is_recording(folder))
        try_symbols(place, folder, CT_SYMBOLS_FILE, is_ours(folder), &place->kept_fds[0]);
    else
        close(folder);
    place->is_in_recording = place->new_fd >= 0;
    int cache = place->new_fd < 0 && name ? open_cache() : -1;

    if (cache < 0)
        return;
    try_symbols(place, cache, name, TRUE, &place->kept_fds[1]);
    if (place->kept_fds[1] >= 0)
        (void)!futimens(place->kept_fds[1], NULL);
}

void ct_symbols_place_close(struct ct_symbols_place *place)
{
    for (size_t i = 0; i < G_N_ELEMENTS(place->kept_fds); i++)
        close_fd(&place->kept_fds[i]);
    close_fd(&place->new_fd);
    close_fd(&place->folder_fd);
    g_clear_pointer(&place->name, g_free);
}

gboolean ct_symbols_place_keep(const struct ct_symbols_place *place)
{
    gboolean is_kept =
        place->new_fd >= 0 && give_name(place->new_fd, place->folder_fd, place->name);

    if (is_kept && !place->is_in_recording)
        tidy_cache(place->folder_fd);
    return is_kept;
}
