#include "serve/signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int endings[] = {SIGINT, SIGTERM, SIGHUP};
static const int handed_on[] = {SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM};

struct hearing {
    ct_on_signal *on_signal;
    void *user;
};

static gboolean on_readable(int fd, GIOCondition condition, void *data)
{
    const struct hearing *hearing = data;
    struct signalfd_siginfo info;

    (void)condition;
    while (read(fd, &info, sizeof(info)) == sizeof(info))
        hearing->on_signal(hearing->user, (int)info.ssi_signo, info.ssi_code == SI_KERNEL);
    return G_SOURCE_CONTINUE;
}

static gboolean is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* One that is ignored is never heard. */
static void add(sigset_t *set, const int *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_ignored(numbers[i]))
            sigaddset(set, numbers[i]);
}

gboolean ct_signals_hear(const struct ct_signals_wish *wish, ct_on_signal *on_signal, void *user,
                         GError **error)
{
    struct hearing *hearing = g_new0(struct hearing, 1);
    sigset_t set;

    sigemptyset(&set);
    if (!wish->has_program)
        signal(SIGINT, SIG_DFL);
    add(&set, endings, G_N_ELEMENTS(endings));
    if (wish->has_program)
        add(&set, handed_on, G_N_ELEMENTS(handed_on));
    if (wish->has_flight)
        sigaddset(&set, SIGUSR2);
    if (wish->has_flight)
        signal(SIGUSR2, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, children would vanish without a status */
    sigprocmask(SIG_BLOCK, &set, NULL);
    hearing->on_signal = on_signal;
    hearing->user = user;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
                    "cannot take signals: %s", g_strerror(errno));
        g_free(hearing);
        return FALSE;
    }
    g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, G_IO_IN, on_readable, hearing, g_free);
    return TRUE;
}

void ct_signals_restore(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void ct_signals_end_by(int number)
{
    signal(number, SIG_DFL);
    raise(number);
    ct_signals_restore();
    _exit(128 + number);
}
