#include "snapshot_copy.h"

#include "files/hole.h"
#include "files/regular_file.h"
#include "files/tree.h"
#include "record/layers/capture.h"
#include "schema/recording_files.h"
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* LTTng nests its traces five deep. */
#define DEPTH_MAX 16

#define PIECE ((size_t)1 << 20)

/* Of all that a recording has: what it has before it is finished. Indexes of streams are not: who
 * reads a stream without one makes his own. */
static const char *const parts[] = {"ust", CT_SPOOL_FOLDER, CT_JIT_FOLDER, CT_OBJECTS_FOLDER};
#define STREAM_INDEXES "index"

/* A folder and its copy, and what is done with each file that is in both. */
struct pair {
    int from_fd;
    int to_fd;
};

struct walk {
    const struct ct_moment *moment; /* borrowed; NULL: its files are there */
    gboolean (*each)(const struct walk *walk, struct pair folders, const char *name);
};

static gboolean walk_pair(const struct walk *walk, struct pair folders, unsigned depth);

/* ---- Files ---- */

/* Between file systems the kernel may copy nothing itself: how many bytes were, as that tells. */
static ssize_t read_and_write(int from_fd, int to_fd, off_t at, size_t size)
{
    g_autofree char *bytes = g_malloc(size);
    ssize_t count = pread(from_fd, bytes, size, at);

    return count > 0 ? pwrite(to_fd, bytes, (size_t)count, at) : count;
}

/* Shares the blocks where the file system can. */
static gboolean copy_bytes(int from_fd, int to_fd, off_t begin, off_t end)
{
    while (begin < end) {
        const size_t size = MIN((size_t)(end - begin), PIECE);
        loff_t from = begin, to = begin;
        ssize_t copied = copy_file_range(from_fd, &from, to_fd, &to, size, 0);

        if (copied < 0 && errno != EINTR)
            copied = read_and_write(from_fd, to_fd, begin, size);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied < 0)
            return FALSE;
        if (copied == 0) { /* it has become shorter */
            errno = EIO;
            return FALSE;
        }
        begin += copied;
    }
    return TRUE;
}

/* Where its bytes begin; its end, if there are none. */
static off_t data_begin(int fd, off_t size)
{
    off_t begin = lseek(fd, 0, SEEK_DATA);

    if (begin < 0)
        begin = errno == ENXIO ? size : 0;
    return MIN(begin, size);
}

static gboolean copy_file(const struct walk *walk, struct pair folders, const char *name)
{
    int from_fd = ct_regular_file_open_at(folders.from_fd, name, O_RDONLY | O_NOFOLLOW);
    struct stat status;
    guint64 size;
    int to_fd = -1;

    if (from_fd < 0)
        return errno == ENOENT; /* it has been dropped, with what it tells of */
    gboolean is_copied = fstat(from_fd, &status) == 0;
    if (is_copied && ct_moment_find_size(walk->moment, status.st_ino, &size)) {
        to_fd =
            openat(folders.to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        is_copied = to_fd >= 0 && ftruncate(to_fd, (off_t)size) == 0 &&
                    copy_bytes(from_fd, to_fd, data_begin(from_fd, (off_t)size), (off_t)size);
    }
    int code = errno;
    close(from_fd);
    if (to_fd >= 0 && close(to_fd) != 0 && is_copied) {
        is_copied = FALSE;
        code = errno;
    }
    errno = code;
    return is_copied;
}

static gboolean drop_file(const struct walk *walk, struct pair folders, const char *name)
{
    int from_fd = ct_regular_file_open_at(folders.from_fd, name, O_RDONLY | O_NOFOLLOW);
    int to_fd = ct_regular_file_open_at(folders.to_fd, name, O_RDWR | O_NOFOLLOW);
    struct stat status;
    gboolean is_dropped = TRUE;

    (void)walk;
    if (from_fd >= 0 && to_fd >= 0 && fstat(to_fd, &status) == 0)
        is_dropped = ct_hole_make(to_fd, data_begin(from_fd, status.st_size)) &&
                     ct_kernel_capture_drop_as(from_fd, to_fd);
    int code = errno;
    if (from_fd >= 0)
        close(from_fd);
    if (to_fd >= 0)
        close(to_fd);
    errno = code;
    return is_dropped;
}

/* ---- Folders ---- */

static gboolean enter(const struct walk *walk, struct pair folders, const char *name,
                      unsigned depth)
{
    struct pair inner = {.from_fd = ct_tree_open(folders.from_fd, name), .to_fd = -1};

    if (inner.from_fd < 0)
        return errno == ENOENT;
    if (walk->moment != NULL && mkdirat(folders.to_fd, name, 0700) != 0 && errno != EEXIST) {
        close(inner.from_fd);
        return FALSE;
    }
    inner.to_fd = ct_tree_open(folders.to_fd, name);
    gboolean is_done = inner.to_fd >= 0 && walk_pair(walk, inner, depth + 1);
    int code = errno;
    close(inner.from_fd);
    if (inner.to_fd >= 0)
        close(inner.to_fd);
    errno = code;
    return is_done;
}

static gboolean walk_entry(const struct walk *walk, struct pair folders, const char *name,
                           unsigned depth)
{
    struct stat status;

    if (fstatat(folders.from_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX && strcmp(name, STREAM_INDEXES) != 0)
        return enter(walk, folders, name, depth);
    return !S_ISREG(status.st_mode) || walk->each(walk, folders, name);
}

static gboolean walk_pair(const struct walk *walk, struct pair folders, unsigned depth)
{
    int list_fd = openat(folders.from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = list_fd >= 0 ? fdopendir(list_fd) : NULL;
    gboolean is_done = entries != NULL;
    const struct dirent *entry;

    while (is_done && (entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            is_done = walk_entry(walk, folders, entry->d_name, depth);
    int code = errno;
    if (entries != NULL)
        closedir(entries);
    errno = code;
    return is_done;
}

static gboolean walk_parts(const struct walk *walk, const char *from, const char *to)
{
    struct pair folders = {.from_fd = ct_tree_open(AT_FDCWD, from),
                           .to_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    gboolean is_done = folders.from_fd >= 0 && folders.to_fd >= 0;

    for (size_t i = 0; i < G_N_ELEMENTS(parts) && is_done; i++)
        is_done = enter(walk, folders, parts[i], 0);
    int code = errno;
    if (folders.from_fd >= 0)
        close(folders.from_fd);
    if (folders.to_fd >= 0)
        close(folders.to_fd);
    errno = code;
    return is_done;
}

gboolean ct_snapshot_copy(const struct ct_moment *moment, const char *from, const char *to,
                          GError **error)
{
    const struct walk walk = {.moment = moment, .each = copy_file};

    if (walk_parts(&walk, from, to))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot copy the files of %s: %s", from, g_strerror(errno));
    return FALSE;
}

/* The parts that are left of it by now. FALSE: none is. */
static gboolean drop_parts(struct ct_control *control, uint32_t count)
{
    for (guint i = 0; i < CT_CONTROL_PARTS; i++)
        control->parts[i] =
            count < CT_CONTROL_PARTS - i ? control->parts[i + count] : (struct ct_control_part){0};
    control->dropped += count;
    control->begin_ns = control->parts[0].begin_ns;
    return control->begin_ns != 0 && control->begin_ns < control->alive_ns;
}

gboolean ct_snapshot_copy_drop(struct ct_moment *moment, const struct ct_control *now,
                               const char *from, const char *to, GError **error)
{
    const struct walk walk = {.each = drop_file};
    uint32_t count = now->dropped - moment->control.dropped;

    if (!now->is_recording) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                    "%s ended while it was copied: use it as it is", from);
        return FALSE;
    }
    if (count == 0)
        return TRUE;
    if (!drop_parts(&moment->control, count)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                    "%s drops what it has faster than that is copied: try again, or record with a "
                    "larger --max-size",
                    from);
        return FALSE;
    }
    if (walk_parts(&walk, from, to))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot drop the beginning of the files in %s: %s", to, g_strerror(errno));
    return FALSE;
}

void ct_snapshot_copy_shorten(struct ct_moment *moment, uint64_t last_ns)
{
    const struct ct_control *control = &moment->control;
    const uint64_t from_ns = control->alive_ns - MIN(last_ns, control->alive_ns);
    uint32_t count = 0;

    while (count + 1 < CT_CONTROL_PARTS && control->parts[count + 1].begin_ns != 0 &&
           control->parts[count + 1].begin_ns <= from_ns)
        count++;
    if (count > 0)
        drop_parts(&moment->control, count);
}
