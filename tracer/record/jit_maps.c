#include "jit_maps.h"

#include "files/regular_file.h"
#include "schema/recording_files.h"
#include "system/monotonic.h"
#include "system/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* More is no program's. */
#define MAX_BYTES (INT64_C(256) << 20)

#define NS_PER_S INT64_C(1000000000)

/* The number that the process has for itself: where it is in a namespace, the last of several. */
static pid_t own_pid(pid_t pid)
{
    g_autofree char *numbers = ct_proc_read_status(pid, "NSpid:");
    const char *last = numbers != NULL ? strrchr(numbers, '\t') : NULL;
    long number = numbers != NULL ? strtol(last != NULL ? last : numbers, NULL, 10) : 0;

    return number > 0 ? (pid_t)number : pid;
}

/* /tmp is everybody's: a file is the process's if its owner could as well write to the process. */
static gboolean is_its_own(const struct stat *status, const char *process, int64_t start_ns)
{
    struct stat owner;
    int64_t offset_ns = g_get_real_time() * 1000 - (int64_t)ct_monotonic_ns();
    int64_t written_ns = (int64_t)status->st_mtim.tv_sec * NS_PER_S + status->st_mtim.tv_nsec;

    return status->st_size <= MAX_BYTES && written_ns - offset_ns >= start_ns &&
           (status->st_uid == 0 || status->st_uid == geteuid() ||
            (stat(process, &owner) == 0 && status->st_uid == owner.st_uid));
}

/* Of a process that is over, only its own number is left of it: most are, by then. */
static int open_map(pid_t pid, int64_t start_ns)
{
    gboolean is_over = kill(pid, 0) != 0 && errno == ESRCH;
    g_autofree char *process = g_strdup_printf("/proc/%d", pid);
    g_autofree char *inside =
        is_over ? NULL : g_strdup_printf("%s/root/tmp/perf-%d.map", process, own_pid(pid));
    g_autofree char *here = g_strdup_printf("/tmp/perf-%d.map", pid);
    const char *const paths[] = {inside, here};
    struct stat status;

    for (size_t i = is_over ? 1 : 0; i < G_N_ELEMENTS(paths); i++) {
        int fd = ct_regular_file_open_at(AT_FDCWD, paths[i], O_RDONLY | O_NOFOLLOW);
        if (fd < 0)
            continue;
        if (fstat(fd, &status) == 0 && is_its_own(&status, process, start_ns))
            return fd;
        close(fd);
    }
    return -1;
}

static gboolean copy(int from, int to)
{
    ssize_t count = 1;

    for (int64_t left = MAX_BYTES; left > 0 && count != 0; left -= MAX(count, 0)) {
        count = sendfile(to, from, NULL, (size_t)left);
        if (count < 0 && errno != EINTR)
            return FALSE;
    }
    return TRUE;
}

void ct_jit_maps_keep(const char *path, pid_t pid, uint64_t start_ns)
{
    int from = open_map(pid, (int64_t)start_ns);

    if (from < 0)
        return;
    g_autofree char *folder = g_build_filename(path, CT_JIT_FOLDER, NULL);
    g_autofree char *name = g_strdup_printf("%s/%d" CT_JIT_SUFFIX, folder, pid);
    g_mkdir_with_parents(folder, 0700);
    unlink(name); /* an earlier image's of that process */
    int to = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to >= 0) {
        if (!copy(from, to))
            unlink(name);
        close(to);
    }
    close(from);
}
