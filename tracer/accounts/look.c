#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_file(pid_t pid, pid_t tid, const char *name)
{
    char path[64];

    g_snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* At once, as text. FALSE: it cannot be read; errno says why. */
static gboolean read_at_once(int fd, char *text, size_t size)
{
    ssize_t length = pread(fd, text, size - 1, 0);

    text[MAX(length, 0)] = '\0';
    return length > 0;
}

static gboolean read_file(pid_t pid, pid_t tid, const char *name, char *text, size_t size)
{
    int fd = open_file(pid, tid, name);

    if (fd < 0)
        return FALSE;
    gboolean is_read = read_at_once(fd, text, size);
    int code = errno;

    close(fd);
    errno = code;
    return is_read;
}

int ct_look_open(pid_t pid, pid_t tid)
{
    return open_file(pid, tid, "schedstat");
}

static gboolean parse_times(const char *text, struct ct_look_times *times)
{
    return sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &times->running_ns, &times->runnable_ns,
                  &times->turns) == 3;
}

gboolean ct_look_read_times(pid_t pid, pid_t tid, int fd, struct ct_look_times *times)
{
    char text[96];

    return (fd >= 0 ? read_at_once(fd, text, sizeof(text))
                    : read_file(pid, tid, "schedstat", text, sizeof(text))) &&
           parse_times(text, times);
}

gboolean ct_look_has_times(void)
{
    struct ct_look_times times;

    return ct_look_read_times(getpid(), getpid(), -1, &times) && times.turns > 0;
}

gboolean ct_look_read_waits(pid_t pid, pid_t tid, uint64_t *waits)
{
    static const char label[] = "\nvoluntary_ctxt_switches:";
    char text[8192];

    if (!read_file(pid, tid, "status", text, sizeof(text)))
        return FALSE;
    const char *line = strstr(text, label);

    return line != NULL && sscanf(line + strlen(label), "%" SCNu64, waits) == 1;
}

/* "running", "-1 SP PC", or "NUMBER ARGUMENT*6 SP PC". */
void ct_look_parse_call(const char *text, struct ct_look *look)
{
    char *end;

    if (g_str_has_prefix(text, "running")) {
        look->place = CT_PLACE_ON_CPU;
        return;
    }
    look->number = strtoll(text, &end, 10);
    if (end == text) {
        look->place = CT_PLACE_HIDDEN;
        return;
    }
    look->place = look->number >= 0 ? CT_PLACE_IN_CALL : CT_PLACE_ELSEWHERE;
    for (size_t i = 0; look->number >= 0 && i < CT_SYSCALL_ARGUMENTS; i++)
        look->arguments[i] = strtoull(end, &end, 16);
}

gboolean ct_look_read(pid_t pid, pid_t tid, struct ct_look *look)
{
    struct ct_proc_stat stat;
    char text[256];

    *look = (struct ct_look){.place = CT_PLACE_HIDDEN};
    /* First the call, so that a state that has changed since is the only one to be wrong. */
    if (read_file(pid, tid, "syscall", text, sizeof(text)))
        ct_look_parse_call(text, look);
    if (!ct_proc_read_stat(pid, tid, &stat))
        return FALSE;
    look->state = stat.state;
    look->start_ns = stat.start_ns;
    g_strlcpy(look->name, stat.name, sizeof(look->name));
    if (stat.state == 'R')
        look->place = CT_PLACE_ON_CPU;
    if (look->place == CT_PLACE_HIDDEN)
        read_file(pid, tid, "wchan", look->function, sizeof(look->function));
    return TRUE;
}
