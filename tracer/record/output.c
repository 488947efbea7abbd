#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FTW_OPEN_FDS 16

/* Room for the stacks, modules and threads of many programs; below the other, a disk is full. */
#define RESERVE_FILE "reserve"
#define RESERVE_SIZE (2 << 20)
#define FULL_SIZE    (512 << 10)

/* The parts that a recording can have: a directory with anything else in it is not one. */
static const char *const parts[] = {"ust", "closing", "kernel", RESERVE_FILE};

static gboolean fail(GError **error, int code, const char *what, const char *path)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "cannot %s %s: %s", what,
                path, g_strerror(code));
    return FALSE;
}

static gboolean is_recording(const char *path)
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

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static gboolean move_away(const char *path, GError **error)
{
    g_autofree char *old = g_strconcat(path, ".old", NULL);

    if (!is_recording(path)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                    "%s exists and is not a recording: choose another name with -o", path);
        return FALSE;
    }
    if (g_file_test(old, G_FILE_TEST_EXISTS)) {
        if (!is_recording(old)) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                        "%s is in the way and is not a recording: move it, or choose another name "
                        "with -o",
                        old);
            return FALSE;
        }
        if (nftw(old, remove_entry, FTW_OPEN_FDS, FTW_DEPTH | FTW_PHYS) != 0)
            return fail(error, errno, "remove", old);
    }
    return g_rename(path, old) == 0 || fail(error, errno, "move away", path);
}

static gboolean reserve_space(const char *path, GError **error)
{
    g_autofree char *reserve = g_build_filename(path, RESERVE_FILE, NULL);
    int fd = open(reserve, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_SIZE);

    if (fd >= 0)
        close(fd);
    if (code == 0)
        return TRUE;
    g_unlink(reserve);
    return fail(error, code, "set disk space aside in", path);
}

char *ct_output_prepare(const char *name, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_mkdir_with_parents(parent, 0777) != 0) {
        fail(error, errno, "make", parent);
        return NULL;
    }
    if (access(parent, W_OK | X_OK) != 0) {
        fail(error, errno, "write to", parent);
        return NULL;
    }
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !move_away(path, error))
        return NULL;
    /* Ours before LTTng makes it, and with the user's own permissions. */
    if (g_mkdir(path, 0777) != 0) {
        fail(error, errno, "make", path);
        return NULL;
    }
    if (!reserve_space(path, error)) {
        g_rmdir(path);
        return NULL;
    }
    return g_steal_pointer(&path);
}

void ct_output_discard(const char *path)
{
    ct_output_release(path);
    g_rmdir(path);
}

void ct_output_release(const char *path)
{
    g_autofree char *reserve = g_build_filename(path, RESERVE_FILE, NULL);

    g_unlink(reserve);
}

gboolean ct_output_is_full(const char *path)
{
    struct statvfs status;

    return statvfs(path, &status) == 0 && (uint64_t)status.f_bavail * status.f_frsize < FULL_SIZE;
}

static uint64_t total_bytes; /* nftw gives its callback no data */

static int add_size(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F)
        total_bytes += (uint64_t)status->st_size;
    return 0;
}

uint64_t ct_output_size(const char *path)
{
    total_bytes = 0;
    nftw(path, add_size, FTW_OPEN_FDS, FTW_PHYS);
    return total_bytes;
}
