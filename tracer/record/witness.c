#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* timeout(1) signals its child first, and then the group: so far apart they are one. */
#define WAIT_US (100 * 1000)
#define SAME_US (200 * 1000)

/* What the witness writes for each signal. */
struct sighting {
    gint64 when_us;
    int signal_number;
};

/* In the child, which must not keep a pipe, a lock or a file system busy. Never returns. */
static void be_witness(pid_t parent, int fd, const sigset_t *signals)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "ctrace-witness");
    if (getppid() != parent || chdir("/") != 0 || dup2(fd, STDIN_FILENO) < 0 ||
        syscall(SYS_close_range, STDIN_FILENO + 1, ~0U, 0) != 0)
        _exit(1);
    for (;;) {
        struct sighting sighting = {.signal_number = sigwaitinfo(signals, NULL)};
        sighting.when_us = g_get_monotonic_time();
        if (sighting.signal_number > 0 &&
            write(STDIN_FILENO, &sighting, sizeof(sighting)) != sizeof(sighting))
            _exit(1);
    }
}

void ct_witness_start(struct ct_witness *witness, const sigset_t *signals)
{
    pid_t parent = getpid();
    int fds[2];

    *witness = (struct ct_witness){.pid = -1, .fd = -1};
    if (pipe2(fds, O_CLOEXEC) != 0)
        return;
    /* A child with no signal at its end: waiting for the program's processes passes it over. */
    witness->pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
    if (witness->pid == 0)
        be_witness(parent, fds[1], signals);
    close(fds[1]);
    witness->fd = fds[0];
    fcntl(witness->fd, F_SETFL, O_NONBLOCK);
}

static void hear(struct ct_witness *witness)
{
    struct sighting sighting;
    ssize_t size;

    while ((size = read(witness->fd, &sighting, sizeof(sighting))) == sizeof(sighting))
        witness->seen_us[sighting.signal_number] = sighting.when_us;
    if (size == 0) { /* it was killed */
        close(witness->fd);
        witness->fd = -1;
    }
}

gboolean ct_witness_has_seen(struct ct_witness *witness, int signal_number, gint64 since_us)
{
    gint64 begin_us = g_get_monotonic_time();
    gint64 left_us;

    since_us = MAX(since_us, begin_us - SAME_US);
    while (witness->fd >= 0) {
        hear(witness);
        left_us = begin_us + WAIT_US - g_get_monotonic_time();
        if (witness->seen_us[signal_number] >= since_us || left_us <= 0)
            break;
        struct pollfd pipe = {.fd = witness->fd, .events = POLLIN};
        poll(&pipe, 1, (int)((left_us + 999) / 1000));
    }
    return witness->seen_us[signal_number] >= since_us;
}

void ct_witness_end(struct ct_witness *witness)
{
    if (witness->fd >= 0)
        close(witness->fd);
    if (witness->pid <= 0)
        return;
    kill(witness->pid, SIGKILL);
    while (waitpid(witness->pid, NULL, __WCLONE) < 0 && errno == EINTR)
        ;
}
