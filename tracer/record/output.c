#include "output.h"

#include "dying.h"
#include "files/tree.h"
#include "messages.h"
#include "parts.h"

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

static gboolean is_anothers(const char *path, uid_t owner, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PERM,
                "%s belongs to another user (uid %u): choose another name with -o, or have it "
                "removed",
                path, (unsigned)owner);
    return FALSE;
}

/* In the folder that it is in. */
static const char *name_of(const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    return *name != '\0' ? name : ".";
}

static gboolean is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* A link of our own is followed. Nothing else is, nor a directory used that is not ours. */
static int open_own(int parent_fd, const char *path, GError **error)
{
    struct stat named, opened;
    int fd = -1;

    if (fstatat(parent_fd, name_of(path), &named, AT_SYMLINK_NOFOLLOW) != 0) {
        fail(error, errno, "open", path);
        return -1;
    }
    if (named.st_uid != geteuid()) {
        is_anothers(path, named.st_uid, error);
        return -1;
    }
    fd = openat(parent_fd, name_of(path),
                O_RDONLY | O_DIRECTORY | O_CLOEXEC | (S_ISLNK(named.st_mode) ? 0 : O_NOFOLLOW));
    if (fd < 0 || fstat(fd, &opened) != 0)
        fail(error, errno, "open", path);
    else if (opened.st_uid == geteuid())
        return fd;
    else
        is_anothers(path, opened.st_uid, error);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Where there are no locks, as on some network file systems, one is as good as had. */
static int open_locked(int parent_fd, const char *path, GError **error)
{
    int fd = open_own(parent_fd, path, error);
    struct stat opened, named;

    if (fd < 0)
        return -1;
    gboolean is_free = ct_dying_lock(fd) || errno != EWOULDBLOCK;
    /* It may have been moved away just before it was locked. */
    if (is_free && fstat(fd, &opened) == 0 && fstatat(parent_fd, name_of(path), &named, 0) == 0 &&
        is_same(&opened, &named))
        return fd;
    close(fd);
    is_in_use(path, error);
    return -1;
}

/* Never over what somebody else has put there meanwhile. */
static int rename_new(int parent_fd, const char *from, const char *to)
{
    int result = renameat2(parent_fd, name_of(from), parent_fd, name_of(to), RENAME_NOREPLACE);

    return result != 0 && errno == EINVAL
               ? renameat(parent_fd, name_of(from), parent_fd, name_of(to))
               : result;
}

/* A name that nobody has taken, as far as they can know. Caller frees. */
static char *make_name(const char *path)
{
    return g_strdup_printf("%s.%08x", path, g_random_int());
}

/* Nobody else's, whatever the umask. */
static int make_private(int parent_fd, const char *path)
{
    int fd =
        mkdirat(parent_fd, name_of(path), 0700) == 0 ? ct_tree_open(parent_fd, name_of(path)) : -1;

    if (fd >= 0 && fchmod(fd, 0700) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The directory has its name only once it is locked. */
static int make_locked(int parent_fd, const char *path, GError **error)
{
    g_autofree char *draft = make_name(path);
    int fd = make_private(parent_fd, draft);

    if (fd < 0) {
        fail(error, errno, "make", path);
        return -1;
    }
    if ((flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
        rename_new(parent_fd, draft, path) == 0)
        return fd;
    if (errno == EEXIST)
        is_in_use(path, error);
    else
        fail(error, errno, "make", path);
    close(fd);
    unlinkat(parent_fd, name_of(draft), AT_REMOVEDIR);
    return -1;
}

/* ---- What was there before. ---- */

static gboolean is_in_the_way(const char *path, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST,
                "%s exists and is not a recording: move it, or choose another name with -o", path);
    return FALSE;
}

static gboolean is_there(int parent_fd, const char *path, struct stat *status)
{
    return fstatat(parent_fd, name_of(path), status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Makes `previous` free, whatever is there; what it was stays open, to be removed. */
static gboolean move_older(struct ct_output *output, const char *previous, GError **error)
{
    g_autofree char *older = make_name(previous);
    struct stat status;

    if (!is_there(output->parent_fd, previous, &status))
        return TRUE;
    if (status.st_uid == geteuid() && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
        return is_in_the_way(previous, error);
    int fd = open_locked(output->parent_fd, previous, error);
    if (fd < 0)
        return FALSE;
    if (!ct_parts_are_recording(fd)) {
        close(fd);
        return is_in_the_way(previous, error);
    }
    if (rename_new(output->parent_fd, previous, older) != 0) {
        fail(error, errno, "move away", previous);
        close(fd);
        return FALSE;
    }
    flock(fd, LOCK_UN);
    output->older = g_steal_pointer(&older);
    output->older_fd = fd;
    return TRUE;
}

static gboolean move_away(struct ct_output *output, GError **error)
{
    g_autofree char *previous = g_strconcat(output->path, ".old", NULL);

    if (!ct_parts_are_recording(output->lock_fd))
        return is_in_the_way(output->path, error);
    if (!move_older(output, previous, error))
        return FALSE;
    output->previous = g_strdup(previous);
    if (rename_new(output->parent_fd, output->path, previous) == 0)
        return TRUE;
    g_clear_pointer(&output->previous, g_free);
    return fail(error, errno, "move away", output->path);
}

/* ---- Room for the end. ---- */

static gboolean reserve_space(const struct ct_output *output, GError **error)
{
    int fd = openat(output->lock_fd, CT_RESERVE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    int code = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_SIZE);

    if (fd >= 0)
        close(fd);
    if (code == 0)
        return TRUE;
    if (fd >= 0)
        unlinkat(output->lock_fd, CT_RESERVE, 0);
    return fail(error, code, "set disk space aside in", output->path);
}

/* What a recorder that was killed before it recorded anything left. */
static void drop_reserve_alone(int folder_fd)
{
    static const char *const reserve[] = {CT_RESERVE};
    struct stat status;

    if (ct_tree_has_only(folder_fd, reserve, 1) &&
        fstatat(folder_fd, CT_RESERVE, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode) && status.st_size == RESERVE_SIZE)
        unlinkat(folder_fd, CT_RESERVE, 0);
}

char *ct_output_find(const char *place, const char *path)
{
    g_autofree char *link = g_path_get_dirname(place);
    struct stat named, opened;

    if (stat(place, &opened) != 0 || opened.st_nlink == 0)
        return NULL;
    char *present =
        stat(path, &named) == 0 && is_same(&named, &opened) ? NULL : g_file_read_link(link, NULL);
    return present != NULL ? present : g_strdup(path);
}

void ct_output_release(const char *place)
{
    g_autofree char *reserve = g_build_filename(place, CT_RESERVE, NULL);

    g_unlink(reserve);
}

/* ---- All together. ---- */

static gboolean open_parent(struct ct_output *output, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(output->path);

    if (g_mkdir_with_parents(parent, 0777) != 0)
        return fail(error, errno, "make", parent);
    output->parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return output->parent_fd >= 0 || fail(error, errno, "open", parent);
}

/* Before it can be made there. */
static gboolean check_parent(const struct ct_output *output, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(output->path);

    return access(parent, W_OK | X_OK) == 0 || fail(error, errno, "write to", parent);
}

/* An empty directory that was there: from now on nobody else puts anything there. */
static gboolean take(struct ct_output *output, GError **error)
{
    struct stat status;

    if (fstat(output->lock_fd, &status) != 0 || fchmod(output->lock_fd, 0700) != 0)
        return fail(error, errno, "make private", output->path);
    output->is_ours = TRUE;
    output->given_mode = status.st_mode & 07777;
    return ct_tree_has_only(output->lock_fd, NULL, 0) ? reserve_space(output, error)
                                                      : is_in_the_way(output->path, error);
}

static gboolean prepare(struct ct_output *output, GError **error)
{
    struct stat status;

    if (!open_parent(output, error))
        return FALSE;
    if (is_there(output->parent_fd, output->path, &status)) {
        if (status.st_uid == geteuid() && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
            return is_in_the_way(output->path, error);
        output->lock_fd = open_locked(output->parent_fd, output->path, error);
        if (output->lock_fd < 0)
            return FALSE;
        drop_reserve_alone(output->lock_fd);
        if (ct_tree_has_only(output->lock_fd, NULL, 0))
            return take(output, error);
        if (!move_away(output, error))
            return FALSE;
        close(output->lock_fd);
        output->lock_fd = -1;
    }
    if (!check_parent(output, error))
        return FALSE;
    /* Ours before LTTng makes it. */
    output->lock_fd = make_locked(output->parent_fd, output->path, error);
    output->is_ours = output->is_made = output->lock_fd >= 0;
    return output->is_made && reserve_space(output, error);
}

static struct ct_output *output_new(const char *name)
{
    struct ct_output *output = g_new0(struct ct_output, 1);

    output->path = g_canonicalize_filename(name, NULL);
    output->lock_fd = output->parent_fd = output->older_fd = -1;
    return output;
}

/* Below the directory itself, whatever its name leads to by then. */
static void set_place(struct ct_output *output)
{
    output->place = g_strdup_printf("/proc/self/fd/%d/.", output->lock_fd);
}

struct ct_output *ct_output_new(const char *name, GError **error)
{
    struct ct_output *output = output_new(name);
    char directory[PATH_MAX];

    /* GLib would take the root for a current directory that has been removed. */
    if (!g_path_is_absolute(name) && getcwd(directory, sizeof(directory)) == NULL) {
        fail(error, errno, "make", name);
        ct_output_free(output);
        return NULL;
    }
    if (prepare(output, error)) {
        set_place(output);
        return output;
    }
    ct_output_revert(output);
    ct_output_free(output);
    return NULL;
}

struct ct_output *ct_output_open(const char *name, GError **error)
{
    struct ct_output *output = output_new(name);

    if (open_parent(output, error) &&
        (output->lock_fd = open_locked(output->parent_fd, output->path, error)) >= 0) {
        set_place(output);
        return output;
    }
    ct_output_free(output);
    return NULL;
}

/* What was looked at, if it still has its name; or a link to it, which is removed itself. */
static void remove_older(const struct ct_output *output)
{
    struct stat named, opened;

    if (!is_there(output->parent_fd, output->older, &named) ||
        fstat(output->older_fd, &opened) != 0)
        return;
    if (S_ISLNK(named.st_mode) && named.st_uid == geteuid()) {
        unlinkat(output->parent_fd, name_of(output->older), 0);
    } else if (is_same(&named, &opened)) {
        ct_parts_remove(output->older_fd);
        unlinkat(output->parent_fd, name_of(output->older), AT_REMOVEDIR);
    }
}

void ct_output_commit(struct ct_output *output)
{
    if (output->older != NULL)
        remove_older(output);
    g_clear_pointer(&output->older, g_free);
}

/* LTTng takes a moment to let go of a session that is destroyed. */
static void remove_own(const struct ct_output *output)
{
    for (int i = 0; i < REMOVE_TRIES; i++) {
        ct_parts_remove(output->lock_fd);
        if (output->is_made
                ? unlinkat(output->parent_fd, name_of(output->path), AT_REMOVEDIR) == 0 ||
                      errno != ENOTEMPTY
                : ct_tree_has_only(output->lock_fd, NULL, 0))
            break;
        g_usleep(REMOVE_INTERVAL_US);
    }
    if (!output->is_made)
        fchmod(output->lock_fd, output->given_mode);
}

void ct_output_revert(struct ct_output *output)
{
    g_autofree char *previous = g_strconcat(output->path, ".old", NULL);

    if (output->is_ours)
        remove_own(output);
    if (output->previous != NULL &&
        rename_new(output->parent_fd, output->previous, output->path) != 0) {
        ct_message("ctrace: the recording that was at %s is now at %s", output->path,
                   output->previous);
        return;
    }
    g_clear_pointer(&output->previous, g_free);
    if (output->older != NULL && rename_new(output->parent_fd, output->older, previous) == 0)
        g_clear_pointer(&output->older, g_free);
}

void ct_output_free(struct ct_output *output)
{
    if (output == NULL)
        return;
    const int fds[] = {output->lock_fd, output->parent_fd, output->older_fd};
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    g_free(output->path);
    g_free(output->place);
    g_free(output->previous);
    g_free(output->older);
    g_free(output);
}
