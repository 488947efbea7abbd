#include "control.h"

#include "files/regular_file.h"
#include "monotonic.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
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

static struct ct_control *map_control(int fd)
{
    void *address = mmap(NULL, CT_CONTROL_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return address == MAP_FAILED ? NULL : address;
}

static struct ct_control *make_control(const char *directory, int *lock_fd, GError **error)
{
    g_autofree char *path = g_build_filename(directory, CT_CONTROL_FILE, NULL);
    struct ct_control *control = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    /* Not ftruncate alone: a full tmpfs is to fail here, not at the first store. */
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        (errno = posix_fallocate(fd, 0, CT_CONTROL_FILE_SIZE)) == 0)
        control = map_control(fd);
    *lock_fd = fd;
    if (control != NULL)
        return control;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot make %s: %s (is /dev/shm full?)", path, g_strerror(errno));
    if (fd >= 0) {
        close(fd);
        g_unlink(path);
    }
    return NULL;
}

/* Takes over all of them. */
static struct ct_session_directory *directory_new(char **path, struct ct_control *control,
                                                  int lock_fd)
{
    struct ct_session_directory *directory = g_new0(struct ct_session_directory, 1);

    directory->path = g_steal_pointer(path);
    directory->control = control;
    directory->doorbell = (void *)((char *)control + CT_DOORBELL_OFFSET);
    directory->lock_fd = lock_fd;
    return directory;
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
    int lock_fd;
    struct ct_control *control = make_control(path, &lock_fd, error);
    if (control == NULL) {
        g_rmdir(path);
        return NULL;
    }
    struct ct_session_directory *directory = directory_new(&path, control, lock_fd);
    control->schema_version = CT_SCHEMA_VERSION;
    control->recorder_pid = getpid();
    control->rate_ns = rate_ns;
    control->follows_children = follows_children ? 1 : 0;
    control->uses_tsc = kernel_uses_tsc();
    control->ns_per_tick = UINT64_C(1) << 32;
    control->begin_ticks = UINT64_MAX;
    control->is_recording = 1;
    control->magic = CT_CONTROL_MAGIC;
    ct_clock_read(control, &directory->first_ticks, &directory->first_ns);
    return directory;
}

/* A session directory of this user if it is a recording's to `output`, else NULL. */
static struct ct_session_directory *open_directory(const char *name, const char *output)
{
    g_autofree char *path = g_build_filename(CT_SESSION_FOLDER, name, NULL);
    struct ct_control *control = NULL;
    struct stat status;
    int folder_fd = ct_tree_open(AT_FDCWD, path);
    int fd = folder_fd >= 0
                 ? ct_regular_file_open_at(folder_fd, CT_CONTROL_FILE, O_RDWR | O_NOFOLLOW)
                 : -1;

    if (folder_fd >= 0)
        close(folder_fd);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
        status.st_size == (off_t)CT_CONTROL_FILE_SIZE)
        control = map_control(fd);
    if (control != NULL && control->magic == CT_CONTROL_MAGIC &&
        control->schema_version == CT_SCHEMA_VERSION &&
        strncmp(control->output, output, sizeof(control->output)) == 0)
        return directory_new(&path, control, fd);
    if (control != NULL)
        munmap(control, CT_CONTROL_FILE_SIZE);
    close(fd);
    return NULL;
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

/* A recorder that was killed just now is still ending. */
#define DYING_US (1000 * 1000)

static gboolean lock_of_the_dead(int fd)
{
    gint64 until_us = g_get_monotonic_time() + DYING_US;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (g_get_monotonic_time() >= until_us)
            return FALSE;
        g_usleep(DYING_US / 100);
    }
    return TRUE;
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
    if (lock_of_the_dead(directory->lock_fd))
        return directory;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "%s is still being recorded, by process %d", output,
                directory->control->recorder_pid);
    ct_session_directory_keep(directory);
    return NULL;
}

void ct_session_directories_drop(const char *output)
{
    g_autoptr(GDir) entries = g_dir_open(CT_SESSION_FOLDER, 0, NULL);
    struct ct_session_directory *directory;

    while ((directory = next_directory(entries, output)) != NULL) {
        if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) == 0)
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
        if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) == 0)
            g_strlcpy(directory->control->output, new_output, sizeof(directory->control->output));
        ct_session_directory_keep(directory);
    }
}

void ct_session_directory_calibrate(struct ct_session_directory *directory)
{
    uint64_t ticks, ns;

    if (!directory->control->uses_tsc || directory->first_ticks == 0)
        return;
    ct_clock_read(directory->control, &ticks, &ns);
    if (ticks > directory->first_ticks)
        directory->control->ns_per_tick =
            (uint64_t)(((unsigned __int128)(ns - directory->first_ns) << 32) /
                       (ticks - directory->first_ticks));
}

void ct_session_directory_keep(struct ct_session_directory *directory)
{
    if (directory == NULL)
        return;
    munmap(directory->control, CT_CONTROL_FILE_SIZE);
    close(directory->lock_fd);
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
