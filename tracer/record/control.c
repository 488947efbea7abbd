#include "control.h"

#include "dying.h"
#include "files/regular_file.h"
#include "files/tree.h"
#include "system/monotonic.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CLOCKSOURCE_FILE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* The pair read with the least delay between its halves is the best of so many. */
#define CLOCK_READ_TRIES 5

static uint64_t read_ticks(const struct ct_control *control)
{
#if defined(__x86_64__)
    if (control->uses_tsc)
        return __rdtsc();
#endif
    return ct_monotonic_ns();
}

void ct_clock_read(const struct ct_control *control, uint64_t *ticks, uint64_t *ns)
{
    uint64_t best_gap = UINT64_MAX;

    if (!control->uses_tsc) {
        *ticks = *ns = ct_monotonic_ns();
        return;
    }
    for (int i = 0; i < CLOCK_READ_TRIES; i++) {
        uint64_t before = read_ticks(control);
        uint64_t between = ct_monotonic_ns();
        uint64_t after = read_ticks(control);
        if (after - before < best_gap) {
            best_gap = after - before;
            *ticks = before + best_gap / 2;
            *ns = between;
        }
    }
}

/* The TSC is good for timing only where the kernel itself trusts it. */
static gboolean kernel_uses_tsc(void)
{
#if defined(__x86_64__)
    g_autofree char *name = NULL;

    return g_file_get_contents(CLOCKSOURCE_FILE, &name, NULL, NULL) &&
           g_str_has_prefix(name, "tsc");
#else
    return FALSE;
#endif
}

/* Opens, or makes, a file there to be mapped. NULL, and errno. */
static struct ct_shared_memory *map_file(const char *directory, const char *name, size_t size,
                                         int flags)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    struct ct_shared_memory *memory = NULL;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

    if (fd < 0)
        return NULL;
    /* Not ftruncate alone: a full tmpfs is to fail here, not at the first store. */
    if ((errno = posix_fallocate(fd, 0, (off_t)size)) == 0)
        memory = ct_shared_memory_map(fd, size);
    int cause = errno;
    close(fd);
    errno = cause;
    return memory;
}

static int open_to_lock(const char *directory)
{
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Takes `path` over. NULL, and errno, if it lacks something. */
static struct ct_session_directory *directory_new(char **path, int flags)
{
    struct ct_session_directory *directory = g_new0(struct ct_session_directory, 1);

    directory->path = g_steal_pointer(path);
    directory->control = g_new0(struct ct_control, 1);
    directory->lock_fd = open_to_lock(directory->path);
    if (directory->lock_fd >= 0)
        directory->published =
            map_file(directory->path, CT_CONTROL_FILE, sizeof(*directory->control), flags);
    if (directory->published != NULL)
        directory->doorbell =
            map_file(directory->path, CT_DOORBELL_FILE, sizeof(struct ct_doorbell), flags);
    return directory;
}

static void publish_word(const struct ct_session_directory *directory, size_t at)
{
    const uint64_t *word = (const void *)((const char *)directory->control + at);

    ct_shared_memory_store(directory->published, at, __atomic_load_n(word, __ATOMIC_RELAXED));
}

void ct_session_directory_publish(const struct ct_session_directory *directory)
{
    for (size_t at = 0; at < sizeof(*directory->control); at += sizeof(uint64_t))
        publish_word(directory, at);
}

/* Under a name that nobody can have taken before. Caller frees. */
static char *make_folder(GError **error)
{
    g_autofree char *path = g_strdup(CT_SESSION_FOLDER "/" CT_SESSION_PREFIX "XXXXXX");

    /* What others find by its name is the socket: see handout.h. */
    if (g_mkdtemp(path) != NULL && g_chmod(path, 0711) == 0)
        return g_steal_pointer(&path);
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot make a session directory in " CT_SESSION_FOLDER ": %s", g_strerror(errno));
    return NULL;
}

struct ct_session_directory *ct_session_directory_new(uint64_t rate_ns, gboolean follows_children,
                                                      GError **error)
{
    g_autofree char *path = make_folder(error);

    if (path == NULL)
        return NULL;
    struct ct_session_directory *directory = directory_new(&path, O_CREAT | O_EXCL);
    if (directory->doorbell == NULL || flock(directory->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot make the files of %s: %s (is /dev/shm full?)", directory->path,
                    g_strerror(errno));
        ct_session_directory_free(directory);
        return NULL;
    }
    *directory->control = (struct ct_control){
        .magic = CT_CONTROL_MAGIC,
        .schema_version = CT_SCHEMA_VERSION,
        .recorder_pid = getpid(),
        .rate_ns = rate_ns,
        .follows_children = follows_children ? 1 : 0,
        .uses_tsc = kernel_uses_tsc(),
        .ns_per_tick = UINT64_C(1) << 32,
        .begin_ticks = UINT64_MAX,
        .heap_rate = CT_HEAP_OFF,
        .progress = 1,
        .is_recording = 1,
    };
    ct_session_directory_publish(directory);
    ct_clock_read(directory->control, &directory->first_ticks, &directory->first_ns);
    return directory;
}

/* What another recorder published; programs of the same user may have written over it. */
gboolean ct_session_directory_read(const char *directory, struct ct_control *control)
{
    struct stat status;
    int folder_fd = ct_tree_open(AT_FDCWD, directory);
    int fd = folder_fd >= 0
                 ? ct_regular_file_open_at(folder_fd, CT_CONTROL_FILE, O_RDONLY | O_NOFOLLOW)
                 : -1;

    if (folder_fd >= 0)
        close(folder_fd);
    if (fd < 0)
        return FALSE;
    gboolean is_read = fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
                       status.st_size == (off_t)sizeof(*control) &&
                       pread(fd, control, sizeof(*control), 0) == (ssize_t)sizeof(*control);
    close(fd);
    if (!is_read || control->magic != CT_CONTROL_MAGIC ||
        control->schema_version != CT_SCHEMA_VERSION)
        return FALSE;
    uint64_t now_ns = ct_monotonic_ns();
    control->alive_ns = MIN(control->alive_ns, now_ns);
    control->begin_ns = MIN(control->begin_ns, now_ns);
    control->recording_begin_ns = MIN(control->recording_begin_ns, control->begin_ns);
    for (guint i = 0; i < CT_CONTROL_PARTS; i++)
        control->parts[i].begin_ns = MIN(control->parts[i].begin_ns, now_ns);
    control->output[sizeof(control->output) - 1] = '\0';
    control->command[sizeof(control->command) - 1] = '\0';
    control->loader[sizeof(control->loader) - 1] = '\0';
    return TRUE;
}

/* A session directory of this user if it is a recording's to `output`, else NULL. */
static struct ct_session_directory *open_directory(const char *name, const char *output)
{
    g_autofree char *path = g_build_filename(CT_SESSION_FOLDER, name, NULL);
    struct ct_control control;

    if (!ct_session_directory_read(path, &control) || strcmp(control.output, output) != 0)
        return NULL;
    struct ct_session_directory *directory = directory_new(&path, 0);
    if (directory->doorbell == NULL) {
        ct_session_directory_keep(directory);
        return NULL;
    }
    *directory->control = control;
    return directory;
}

/* The next one that `entries` lists. NULL at the end. */
static struct ct_session_directory *next_directory(GDir *entries, const char *output)
{
    struct ct_session_directory *directory = NULL;
    const char *name;

    while (entries != NULL && directory == NULL && (name = g_dir_read_name(entries)) != NULL)
        if (g_str_has_prefix(name, CT_SESSION_PREFIX))
            directory = open_directory(name, output);
    return directory;
}

struct ct_session_directory *ct_session_directory_adopt(const char *output, GError **error)
{
    g_autoptr(GDir) entries = g_dir_open(CT_SESSION_FOLDER, 0, NULL);
    struct ct_session_directory *directory = next_directory(entries, output);

    if (directory == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "nothing to recover for %s: no recording to it was left unfinished", output);
        return NULL;
    }
    /* Not by the process id, which may be another process's by now. */
    if (ct_dying_lock(directory->lock_fd))
        return directory;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "%s is still being recorded, by process %d", output,
                directory->control->recorder_pid);
    ct_session_directory_keep(directory);
    return NULL;
}

/* Also by another name, through a link. */
static gboolean is_same_folder(const char *one, const char *other)
{
    struct stat first, second;

    return strcmp(one, other) == 0 ||
           (stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
            first.st_ino == second.st_ino);
}

/* NULL: there is none, or it is another recording's. */
static struct ct_session_directory *open_same(const char *name, const char *output)
{
    g_autofree char *path = g_build_filename(CT_SESSION_FOLDER, name, NULL);
    struct ct_control control;

    if (!g_str_has_prefix(name, CT_SESSION_PREFIX) || !ct_session_directory_read(path, &control) ||
        !is_same_folder(control.output, output))
        return NULL;
    return open_directory(name, control.output);
}

char *ct_session_directory_find_living(const char *output, gboolean *is_left)
{
    g_autoptr(GDir) entries = g_dir_open(CT_SESSION_FOLDER, 0, NULL);
    const char *name;
    char *path = NULL;

    *is_left = FALSE;
    while (entries != NULL && path == NULL && (name = g_dir_read_name(entries)) != NULL) {
        struct ct_session_directory *directory = open_same(name, output);

        if (directory == NULL)
            continue;
        if (flock(directory->lock_fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            path = g_strdup(directory->path);
        else
            *is_left = TRUE;
        ct_session_directory_keep(directory);
    }
    return path;
}

void ct_session_directories_drop(const char *output)
{
    g_autoptr(GDir) entries = g_dir_open(CT_SESSION_FOLDER, 0, NULL);
    struct ct_session_directory *directory;

    while ((directory = next_directory(entries, output)) != NULL) {
        if (ct_dying_lock(directory->lock_fd))
            ct_session_directory_free(directory);
        else
            ct_session_directory_keep(directory);
    }
}

void ct_session_directories_move(const char *output, const char *new_output)
{
    g_autoptr(GDir) entries = g_dir_open(CT_SESSION_FOLDER, 0, NULL);
    struct ct_session_directory *directory;

    ct_session_directories_drop(new_output);
    while ((directory = next_directory(entries, output)) != NULL) {
        if (ct_dying_lock(directory->lock_fd)) {
            g_strlcpy(directory->control->output, new_output, sizeof(directory->control->output));
            ct_session_directory_publish(directory);
        }
        ct_session_directory_keep(directory);
    }
}

void ct_session_directory_calibrate(struct ct_session_directory *directory)
{
    uint64_t ticks, ns;

    if (!directory->control->uses_tsc || directory->first_ticks == 0)
        return;
    ct_clock_read(directory->control, &ticks, &ns);
    if (ticks <= directory->first_ticks)
        return;
    uint64_t ns_per_tick = (uint64_t)(((unsigned __int128)(ns - directory->first_ns) << 32) /
                                      (ticks - directory->first_ticks));
    directory->control->ns_per_tick = ns_per_tick;
    directory->control->clock_ticks = ticks;
    directory->control->clock_ns = ns;
    publish_word(directory, offsetof(struct ct_control, ns_per_tick));
    publish_word(directory, offsetof(struct ct_control, clock_ticks));
    publish_word(directory, offsetof(struct ct_control, clock_ns));
}

void ct_session_directory_note_progress(struct ct_session_directory *directory)
{
    uint64_t progress = atomic_fetch_add(&directory->control->progress, 1) + 1;

    ct_shared_memory_store(directory->published, offsetof(struct ct_control, progress), progress);
}

void ct_session_directory_note_heap(struct ct_session_directory *directory,
                                    const struct ct_heap_sum *sum)
{
    const size_t begin = offsetof(struct ct_control, heap);

    directory->control->heap = *sum;
    for (size_t at = begin; at < begin + sizeof(*sum); at += sizeof(uint64_t))
        publish_word(directory, at);
}

void ct_session_directory_keep(struct ct_session_directory *directory)
{
    if (directory == NULL)
        return;
    ct_shared_memory_unmap(directory->published);
    ct_shared_memory_unmap(directory->doorbell);
    if (directory->lock_fd >= 0)
        close(directory->lock_fd);
    g_free(directory->control);
    g_free(directory->path);
    g_free(directory);
}

void ct_session_directory_free(struct ct_session_directory *directory)
{
    if (directory == NULL)
        return;
    ct_tree_remove(directory->path);
    ct_session_directory_keep(directory);
}
