#include "collect/archive.h"

#include "files/own_folder.h"
#include "files/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SUFFIX       ".pb.gz"
#define PART_BEGIN   ".part-"
#define TIME_FORMAT  "%Y%m%d_%H%M%S"
#define TIME_LETTERS 15 /* 20260101_120000 */

/* Who collects into it alone may read it. */
enum { FOLDER_MODE = 0700 };

#define FREE_BYTES G_GUINT64_CONSTANT(1000000000)
#define FREE_PART  20

struct ct_archive {
    char *path;      /* owned */
    int fd;          /* by which it is ours; -1: it is not */
    GArray *folders; /* owned; struct ct_rotation_folder, by time */
};

/* ---- Names ---- */

static char *name_of(gint64 from_s, guint level)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(from_s);
    g_autofree char *begin = time ? g_date_time_format(time, TIME_FORMAT) : NULL;

    return g_strconcat(begin ? begin : "", ct_rotation_suffix(level), NULL);
}

/* FALSE: it is none of ours. */
static gboolean parse_name(const char *name, gint64 *from_s, guint *level)
{
    int date[3], time[3];

    if (strlen(name) < TIME_LETTERS ||
        sscanf(name, "%4d%2d%2d_%2d%2d%2d", /* NOLINT(cert-err34-c): what it read is compared */
               &date[0], &date[1], &date[2], &time[0], &time[1], &time[2]) != 6)
        return FALSE;
    g_autoptr(GDateTime) moment =
        g_date_time_new_local(date[0], date[1], date[2], time[0], time[1], time[2]);
    g_autofree char *begin = moment ? g_date_time_format(moment, TIME_FORMAT) : NULL;

    if (!begin || strncmp(name, begin, TIME_LETTERS) != 0)
        return FALSE;
    for (*level = 0; *level < CT_ROTATION_LEVELS; ++*level) {
        if (strcmp(name + TIME_LETTERS, ct_rotation_suffix(*level)) == 0) {
            *from_s = g_date_time_to_unix(moment);
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- What is in it ---- */

static void folder_clear(void *data)
{
    struct ct_rotation_folder *folder = data;

    g_free(folder->name);
}

/* Of one time the finer first: it is what becomes part of the other. */
static int compare(const void *a, const void *b)
{
    const struct ct_rotation_folder *first = a, *second = b;

    if (first->from_s != second->from_s)
        return first->from_s < second->from_s ? -1 : 1;
    return (int)first->level - (int)second->level;
}

static void add(struct ct_archive *archive, const char *name, gint64 from_s, guint level)
{
    g_autofree char *path = g_build_filename(archive->path, name, NULL);
    const struct ct_rotation_folder folder = {
        .from_s = from_s, .level = level, .bytes = ct_tree_blocks(path), .name = g_strdup(name)};

    g_array_append_val(archive->folders, folder);
}

static gboolean list(struct ct_archive *archive, GError **error)
{
    g_autoptr(GDir) open = g_dir_open(archive->path, 0, error);
    const char *name;
    gint64 from_s;
    guint level;

    while (open && (name = g_dir_read_name(open))) {
        g_autofree char *path = g_build_filename(archive->path, name, NULL);

        if (g_str_has_prefix(name, PART_BEGIN))
            ct_tree_remove(path);
        else if (parse_name(name, &from_s, &level) && g_file_test(path, G_FILE_TEST_IS_DIR))
            add(archive, name, from_s, level);
    }
    g_array_sort(archive->folders, compare);
    return open != NULL;
}

static gboolean fail(GError **error, const char *what, const char *path)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno), "cannot %s %s: %s", what,
                path, g_strerror(errno));
    return FALSE;
}

struct ct_archive *ct_archive_open(const char *path, GError **error)
{
    struct ct_archive *archive = g_new0(struct ct_archive, 1);

    archive->path = g_canonicalize_filename(path, NULL);
    archive->folders = g_array_new(FALSE, FALSE, sizeof(struct ct_rotation_folder));
    g_array_set_clear_func(archive->folders, folder_clear);
    archive->fd = ct_own_folder_take(archive->path, "--dir", error);
    if (archive->fd >= 0 && list(archive, error))
        return archive;
    ct_archive_free(archive);
    return NULL;
}

void ct_archive_free(struct ct_archive *archive)
{
    if (archive->fd >= 0)
        close(archive->fd);
    g_array_unref(archive->folders);
    g_free(archive->path);
    g_free(archive);
}

const GArray *ct_archive_folders(const struct ct_archive *archive)
{
    return archive->folders;
}

const char *ct_archive_path(const struct ct_archive *archive)
{
    return archive->path;
}

static guint index_of(const struct ct_archive *archive, const char *name)
{
    for (guint i = 0; i < archive->folders->len; i++)
        if (strcmp(g_array_index(archive->folders, struct ct_rotation_folder, i).name, name) == 0)
            return i;
    return archive->folders->len;
}

const struct ct_rotation_folder *ct_archive_find(const struct ct_archive *archive, gint64 from_s,
                                                 guint level)
{
    g_autofree char *name = name_of(from_s, level);
    guint index = index_of(archive, name);

    return index < archive->folders->len
               ? &g_array_index(archive->folders, struct ct_rotation_folder, index)
               : NULL;
}

/* ---- What comes and goes ---- */

char *ct_archive_begin(const struct ct_archive *archive, GError **error)
{
    g_autofree char *path = g_build_filename(archive->path, PART_BEGIN "XXXXXX", NULL);

    if (g_mkdtemp_full(path, FOLDER_MODE))
        return g_steal_pointer(&path);
    fail(error, "make a folder in", archive->path);
    return NULL;
}

/* Goes on to the next one. */
static gboolean sync_file(int folder_fd, const char *name, const struct stat *status, void *data)
{
    int fd =
        S_ISREG(status->st_mode) ? openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;

    (void)data;
    if (fd < 0)
        return FALSE;
    fsync(fd);
    close(fd);
    return FALSE;
}

const struct ct_rotation_folder *ct_archive_commit(struct ct_archive *archive, const char *filled,
                                                   gint64 from_s, guint level, GError **error)
{
    while (level == 0 && ct_archive_find(archive, from_s, level))
        from_s++;
    g_autofree char *name = name_of(from_s, level);
    g_autofree char *path = g_build_filename(archive->path, name, NULL);
    guint earlier = index_of(archive, name);
    gboolean has_earlier = earlier < archive->folders->len;

    /* No name is there before what it is the name of, even if the power goes. */
    ct_tree_walk(filled, sync_file, NULL);
    if (renameat2(AT_FDCWD, filled, AT_FDCWD, path,
                  has_earlier ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0) {
        fail(error, "give its name to", path);
        ct_tree_remove(filled);
        return NULL;
    }
    if (has_earlier) {
        ct_tree_remove(filled);
        g_array_remove_index(archive->folders, earlier);
    }
    add(archive, name, from_s, level);
    g_array_sort(archive->folders, compare);
    return ct_archive_find(archive, from_s, level);
}

void ct_archive_remove(struct ct_archive *archive, const char *name)
{
    guint index = index_of(archive, name);

    if (index == archive->folders->len)
        return;
    g_autofree char *path = g_build_filename(archive->path, name, NULL);
    g_autofree char *aside = g_strconcat(archive->path, "/" PART_BEGIN, name, NULL);

    /* Whoever reads meanwhile sees all of it, or nothing. */
    ct_tree_remove(rename(path, aside) == 0 ? aside : path);
    g_array_remove_index(archive->folders, index);
}

void ct_archive_set_stuck(struct ct_archive *archive, const char *name)
{
    guint index = index_of(archive, name);

    if (index < archive->folders->len)
        g_array_index(archive->folders, struct ct_rotation_folder, index).is_stuck = TRUE;
}

guint64 ct_archive_bytes(const struct ct_archive *archive)
{
    guint64 bytes = 0;

    for (guint i = 0; i < archive->folders->len; i++)
        bytes += g_array_index(archive->folders, struct ct_rotation_folder, i).bytes;
    return bytes;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ct_archive_kinds(const struct ct_archive *archive, const char *name)
{
    g_autofree char *path = g_build_filename(archive->path, name, NULL);
    g_autoptr(GDir) open = g_dir_open(path, 0, NULL);
    g_autoptr(GPtrArray) kinds = g_ptr_array_new();
    const char *file;

    while (open && (file = g_dir_read_name(open)))
        if (*file != '.' && g_str_has_suffix(file, SUFFIX))
            g_ptr_array_add(kinds, g_strndup(file, strlen(file) - strlen(SUFFIX)));
    g_ptr_array_sort(kinds, compare_words);
    g_ptr_array_add(kinds, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&kinds), FALSE);
}

gboolean ct_archive_has_room(const char *path)
{
    struct statvfs disk;

    if (statvfs(path, &disk) != 0)
        return FALSE;
    guint64 all = (guint64)disk.f_blocks * disk.f_frsize;

    return (guint64)disk.f_bavail * disk.f_frsize > MIN(FREE_BYTES, all / FREE_PART);
}
