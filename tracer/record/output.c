#include "output.h"

#include "messages.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for the stacks, modules and threads of many programs. */
#define RESERVE_SIZE (2 << 20)

/* How long the files of a recording that was not begun may take to go. */
#define REMOVE_TRIES       50
#define REMOVE_INTERVAL_US 10000

static gboolean fail(GError **error, int code, const char *what, const char *path)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(code), "cannot %s %s: %s", what,
                path, g_strerror(code));
    return FALSE;
}

/* ---- One recorder for each directory. ---- */

static gboolean is_in_use(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "another ctrace is recording to %s: choose another name with -o", path);
    return FALSE;
}

/* Where there are no locks, as on some network file systems, one is as good as had. */
static int open_locked(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat opened, named;

    if (fd < 0) {
        fail(error, errno, "open", path);
        return -1;
    }
    gboolean is_free = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    /* It may have been moved away just before it was locked. */
    if (is_free && fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
        opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
        return fd;
    close(fd);
    is_in_use(path, error);
    return -1;
}

/* Never over what somebody else has put there meanwhile. */
static int rename_new(const char *from, const char *to)
{
    int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

    return result != 0 && errno == EINVAL ? rename(from, to) : result;
}

/* The directory has its name only once it is locked. */
static int make_locked(const char *path, GError **error)
{
    g_autofree char *draft = g_strconcat(path, ".XXXXXX", NULL);

    if (g_mkdtemp_full(draft, 0777) == NULL) {
        fail(error, errno, "make", path);
        return -1;
    }
    int fd = open(draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
        rename_new(draft, path) == 0)
        return fd;
    if (errno == EEXIST)
        is_in_use(path, error);
    else
        fail(error, errno, "make", path);
    if (fd >= 0)
        close(fd);
    g_rmdir(draft);
    return -1;
}

/* ---- What was there before. ---- */

static gboolean is_in_the_way(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                "%s exists and is not a recording: move it, or choose another name with -o", path);
    return FALSE;
}

/* Makes `output->previous` free, whatever is there. */
static gboolean move_older(struct ct_output *output, const char *previous, GError **error)
{
    g_autofree char *older = g_strconcat(previous, ".XXXXXX", NULL);

    if (!g_file_test(previous, G_FILE_TEST_EXISTS))
        return TRUE;
    if (!ct_tree_is_recording(previous))
        return is_in_the_way(previous, error);
    int fd = open_locked(previous, error);
    if (fd < 0)
        return FALSE;
    close(fd);
    if (g_mkdtemp(older) == NULL || g_rename(previous, older) != 0) {
        fail(error, errno, "move away", previous);
        g_rmdir(older);
        return FALSE;
    }
    output->older = g_steal_pointer(&older);
    return TRUE;
}

static gboolean move_away(struct ct_output *output, GError **error)
{
    g_autofree char *previous = g_strconcat(output->path, ".old", NULL);

    if (!ct_tree_is_recording(output->path))
        return is_in_the_way(output->path, error);
    if (!move_older(output, previous, error))
        return FALSE;
    output->previous = g_strdup(previous);
    if (g_rename(output->path, previous) == 0)
        return TRUE;
    g_clear_pointer(&output->previous, g_free);
    return fail(error, errno, "move away", output->path);
}

/* ---- Room for the end. ---- */

static gboolean reserve_space(const char *path, GError **error)
{
    g_autofree char *reserve = g_build_filename(path, CT_TREE_RESERVE, NULL);
    int fd = open(reserve, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_SIZE);

    if (fd >= 0)
        close(fd);
    if (code == 0)
        return TRUE;
    g_unlink(reserve);
    return fail(error, code, "set disk space aside in", path);
}

void ct_output_release(const char *path)
{
    g_autofree char *reserve = g_build_filename(path, CT_TREE_RESERVE, NULL);

    g_unlink(reserve);
}

/* ---- All together. ---- */

static gboolean prepare_parent(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);

    if (g_mkdir_with_parents(parent, 0777) != 0)
        return fail(error, errno, "make", parent);
    return access(parent, W_OK | X_OK) == 0 || fail(error, errno, "write to", parent);
}

static gboolean prepare(struct ct_output *output, GError **error)
{
    if (g_file_test(output->path, G_FILE_TEST_EXISTS)) {
        if (!g_file_test(output->path, G_FILE_TEST_IS_DIR))
            return is_in_the_way(output->path, error);
        output->lock_fd = open_locked(output->path, error);
        if (output->lock_fd < 0)
            return FALSE;
        output->is_ours = ct_tree_is_empty(output->path);
        if (output->is_ours)
            return reserve_space(output->path, error);
        if (!move_away(output, error))
            return FALSE;
        close(output->lock_fd);
    }
    if (!prepare_parent(output->path, error))
        return FALSE;
    /* Ours before LTTng makes it, and with the user's own permissions. */
    output->lock_fd = make_locked(output->path, error);
    output->is_ours = output->is_made = output->lock_fd >= 0;
    return output->is_made && reserve_space(output->path, error);
}

struct ct_output *ct_output_new(const char *name, GError **error)
{
    struct ct_output *output = g_new0(struct ct_output, 1);
    char directory[PATH_MAX];

    output->path = g_canonicalize_filename(name, NULL);
    output->lock_fd = -1;
    /* GLib would take the root for a current directory that has been removed. */
    if (!g_path_is_absolute(name) && getcwd(directory, sizeof(directory)) == NULL) {
        fail(error, errno, "make", name);
        ct_output_free(output);
        return NULL;
    }
    if (prepare(output, error))
        return output;
    ct_output_revert(output);
    ct_output_free(output);
    return NULL;
}

struct ct_output *ct_output_open(const char *name, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(name, NULL);
    int fd = open_locked(path, error);

    if (fd < 0)
        return NULL;
    struct ct_output *output = g_new0(struct ct_output, 1);
    output->path = g_steal_pointer(&path);
    output->lock_fd = fd;
    return output;
}

void ct_output_commit(struct ct_output *output)
{
    if (output->older != NULL)
        ct_tree_remove(output->older);
    g_clear_pointer(&output->older, g_free);
}

/* LTTng takes a moment to let go of a session that is destroyed. */
static void remove_own(const struct ct_output *output)
{
    for (int i = 0; i < REMOVE_TRIES; i++) {
        ct_tree_remove_parts(output->path);
        if (output->is_made ? g_rmdir(output->path) == 0 || errno != ENOTEMPTY
                            : ct_tree_is_empty(output->path))
            return;
        g_usleep(REMOVE_INTERVAL_US);
    }
}

void ct_output_revert(struct ct_output *output)
{
    g_autofree char *previous = g_strconcat(output->path, ".old", NULL);

    if (output->is_ours)
        remove_own(output);
    if (output->previous != NULL && rename_new(output->previous, output->path) != 0) {
        ct_message("ctrace: the recording that was at %s is now at %s", output->path,
                   output->previous);
        return;
    }
    g_clear_pointer(&output->previous, g_free);
    if (output->older != NULL && rename_new(output->older, previous) == 0)
        g_clear_pointer(&output->older, g_free);
}

void ct_output_free(struct ct_output *output)
{
    if (output == NULL)
        return;
    if (output->lock_fd >= 0)
        close(output->lock_fd);
    g_free(output->path);
    g_free(output->previous);
    g_free(output->older);
    g_free(output);
}
