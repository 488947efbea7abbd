#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CLOCKSOURCE_FILE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* The pair read with the least delay between its halves is the best of so many. */
#define CLOCK_READ_TRIES 5

static uint64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t read_ticks(const struct ct_control *control)
{
#if defined(__x86_64__)
    if (control->uses_tsc)
        return __rdtsc();
#endif
    return monotonic_ns();
}

void ct_clock_read(const struct ct_control *control, uint64_t *ticks, uint64_t *ns)
{
    uint64_t best_gap = UINT64_MAX;

    for (int i = 0; i < CLOCK_READ_TRIES; i++) {
        uint64_t before = read_ticks(control);
        uint64_t between = monotonic_ns();
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

static struct ct_control *make_control(const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, CT_CONTROL_FILE, NULL);
    struct ct_control *control = MAP_FAILED;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    /* Not ftruncate alone: a full tmpfs is to fail here, not at the first store. */
    if (fd >= 0 && (errno = posix_fallocate(fd, 0, sizeof(*control))) == 0)
        control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED)
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot make %s: %s (is /dev/shm full?)", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return control == MAP_FAILED ? NULL : control;
}

struct ct_session_directory *ct_session_directory_new(uint64_t rate_ns, gboolean follows_children,
                                                      GError **error)
{
    g_autofree char *path = NULL;
    uint32_t number = 0;

    do {
        g_free(path);
        path = g_strdup_printf(CT_SESSION_PREFIX "%u", ++number);
        if (g_mkdir(path, 0700) == 0)
            break;
        if (errno != EEXIST || number == CT_RECORDING_MAX) {
            g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                        "cannot make the session directory %s: %s", path, g_strerror(errno));
            return NULL;
        }
    } while (TRUE);

    struct ct_control *control = make_control(path, error);
    if (control == NULL) {
        g_rmdir(path);
        return NULL;
    }
    struct ct_session_directory *directory = g_new0(struct ct_session_directory, 1);
    directory->path = g_steal_pointer(&path);
    directory->control = control;
    control->schema_version = CT_SCHEMA_VERSION;
    control->recording = number;
    control->recorder_pid = getpid();
    control->rate_ns = rate_ns;
    control->follows_children = follows_children ? 1 : 0;
    control->uses_tsc = kernel_uses_tsc();
    control->ns_per_tick = UINT64_C(1) << 32;
    control->magic = CT_CONTROL_MAGIC;
    ct_clock_read(control, &directory->first_ticks, &directory->first_ns);
    return directory;
}

/* The control page of the recording with this number if it writes to `output`, else NULL. */
static struct ct_control *find_control(const char *directory, const char *output)
{
    g_autofree char *path = g_build_filename(directory, CT_CONTROL_FILE, NULL);
    struct ct_control *control = MAP_FAILED;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
        status.st_size == (off_t)sizeof(*control))
        control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (control == MAP_FAILED)
        return NULL;
    if (control->magic == CT_CONTROL_MAGIC && control->schema_version == CT_SCHEMA_VERSION &&
        strncmp(control->output, output, sizeof(control->output)) == 0)
        return control;
    munmap(control, sizeof(*control));
    return NULL;
}

struct ct_session_directory *ct_session_directory_adopt(const char *output, GError **error)
{
    for (uint32_t number = 1; number <= CT_RECORDING_MAX; number++) {
        g_autofree char *path = g_strdup_printf(CT_SESSION_PREFIX "%u", number);
        struct ct_control *control = find_control(path, output);
        if (control == NULL)
            continue;
        if (kill(control->recorder_pid, 0) == 0 || errno != ESRCH) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                        "%s is still being recorded, by process %d", output, control->recorder_pid);
            munmap(control, sizeof(*control));
            return NULL;
        }
        struct ct_session_directory *directory = g_new0(struct ct_session_directory, 1);
        directory->path = g_steal_pointer(&path);
        directory->control = control;
        return directory;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                "nothing to recover for %s: no recording to it was left unfinished", output);
    return NULL;
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
    munmap(directory->control, sizeof(*directory->control));
    g_free(directory->path);
    g_free(directory);
}

void ct_session_directory_free(struct ct_session_directory *directory)
{
    if (directory == NULL)
        return;
    GDir *entries = g_dir_open(directory->path, 0, NULL);
    const char *name;
    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *path = g_build_filename(directory->path, name, NULL);
        g_unlink(path);
    }
    if (entries != NULL)
        g_dir_close(entries);
    g_rmdir(directory->path);
    ct_session_directory_keep(directory);
}
