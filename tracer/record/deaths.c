#include "deaths.h"

#include "arrivals.h"
#include "schema/board.h"
#include "system/monotonic.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 32

/* A process that begins is looked at at once, unless another one was just before: a program that
 * begins many would wake us for each, and most end by themselves in that time, and say when. */
#define BIRTHS_US (20 * 1000)

/* Well below the usual limit of open files. Others' ends are still noted, if a little later. */
#define MAX_WATCHED 400

/* Of the open files that we may have: the others are LTTng's, and the boards'. */
#define WATCHED_SHARE 2

struct ct_deaths {
    int poll_fd;
    struct ct_arrivals *boards; /* owned; in poll_fd as process 0; NULL: nobody tells of them */
    gint64 births_us;           /* when they are read next; 0: when there is something */
    uint64_t count;             /* of deaths */
    guint max_watched;
    GHashTable *known; /* owned; pid -> uint64_t *, ns */
    GHashTable *fds;   /* owned; pid -> pidfd, of those that live */
};

static gboolean add_fd(const struct ct_deaths *deaths, int fd, pid_t pid)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)pid};

    return epoll_ctl(deaths->poll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Until there is one: from then on nobody is woken, which whoever makes a board would pay for. An
 * event that only asks for nothing would not do, since the kernel adds errors to what is asked for.
 */
static void listen_for_births(struct ct_deaths *deaths, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};

    if (deaths->boards != NULL)
        epoll_ctl(deaths->poll_fd, operation, ct_arrivals_fd(deaths->boards), &event);
}

struct ct_deaths *ct_deaths_new(void)
{
    struct ct_deaths *deaths = g_new0(struct ct_deaths, 1);
    struct rlimit files = {.rlim_cur = 0};

    getrlimit(RLIMIT_NOFILE, &files);
    deaths->max_watched = (guint)MIN(MAX_WATCHED, files.rlim_cur / WATCHED_SHARE);
    deaths->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    deaths->known = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    deaths->fds = g_hash_table_new(g_direct_hash, g_direct_equal);
    return deaths;
}

void ct_deaths_watch(struct ct_deaths *deaths, const char *directory)
{
    deaths->boards = ct_arrivals_new(directory);
    listen_for_births(deaths, EPOLL_CTL_ADD);
}

int ct_deaths_fd(const struct ct_deaths *deaths)
{
    return deaths->poll_fd;
}

gint64 ct_deaths_due_us(const struct ct_deaths *deaths)
{
    return deaths->births_us;
}

uint64_t ct_deaths_count(const struct ct_deaths *deaths)
{
    return deaths->count;
}

static void note(struct ct_deaths *deaths, pid_t pid)
{
    uint64_t *when_ns = g_new(uint64_t, 1);

    deaths->count++;
    *when_ns = ct_monotonic_ns();
    g_hash_table_insert(deaths->known, GINT_TO_POINTER(pid), when_ns);
}

/* A board has appeared: of a new process, or after exec of one that we know. */
void ct_deaths_watch_process(struct ct_deaths *deaths, pid_t pid)
{
    if (pid <= 0 || g_hash_table_contains(deaths->fds, GINT_TO_POINTER(pid)))
        return;
    g_hash_table_remove(deaths->known, GINT_TO_POINTER(pid)); /* another process had this id */
    if (g_hash_table_size(deaths->fds) >= deaths->max_watched)
        return;
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        if (errno == ESRCH)
            note(deaths, pid);
    } else if (add_fd(deaths, fd, pid)) {
        g_hash_table_insert(deaths->fds, GINT_TO_POINTER(pid), GINT_TO_POINTER(fd));
    } else {
        close(fd);
    }
}

/* FALSE if none has begun. */
static gboolean read_births(struct ct_deaths *deaths)
{
    gboolean is_any = FALSE;
    const char *name;

    while (deaths->boards != NULL && (name = ct_arrivals_next(deaths->boards)) != NULL) {
        is_any = TRUE;
        if (g_str_has_suffix(name, CT_BOARD_SUFFIX))
            ct_deaths_watch_process(deaths, (pid_t)strtol(name, NULL, 10));
    }
    return is_any;
}

/* Where some have begun, not again for a while. */
static void look_at_births(struct ct_deaths *deaths)
{
    if (read_births(deaths)) {
        deaths->births_us = g_get_monotonic_time() + BIRTHS_US;
    } else {
        deaths->births_us = 0;
        listen_for_births(deaths, EPOLL_CTL_MOD);
    }
}

static void end_process(struct ct_deaths *deaths, pid_t pid)
{
    gpointer fd;

    read_births(deaths); /* after an exec it has another board, which is no other process's */
    if (!g_hash_table_steal_extended(deaths->fds, GINT_TO_POINTER(pid), NULL, &fd))
        return;
    close(GPOINTER_TO_INT(fd));
    note(deaths, pid);
}

void ct_deaths_update(struct ct_deaths *deaths)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    gboolean has_births = deaths->births_us != 0 && deaths->births_us <= g_get_monotonic_time();
    int count;

    while ((count = epoll_wait(deaths->poll_fd, events, EVENTS_AT_ONCE, 0)) > 0) {
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == 0)
                look_at_births(deaths);
            else
                end_process(deaths, (pid_t)events[i].data.u64);
        }
    }
    if (has_births)
        look_at_births(deaths);
}

void ct_deaths_add_child(struct ct_deaths *deaths, pid_t pid)
{
    read_births(deaths); /* first its own, else it would be another process's by this id */
    ct_deaths_update(deaths);
    /* It may have been another process's zombie for long. */
    if (!g_hash_table_contains(deaths->known, GINT_TO_POINTER(pid)))
        note(deaths, pid);
}

uint64_t ct_deaths_find(const struct ct_deaths *deaths, pid_t pid)
{
    const uint64_t *when_ns = g_hash_table_lookup(deaths->known, GINT_TO_POINTER(pid));

    return when_ns != NULL ? *when_ns : 0;
}

void ct_deaths_free(struct ct_deaths *deaths)
{
    GHashTableIter iter;
    gpointer fd;

    if (deaths == NULL)
        return;
    g_hash_table_iter_init(&iter, deaths->fds);
    while (g_hash_table_iter_next(&iter, NULL, &fd))
        close(GPOINTER_TO_INT(fd));
    ct_arrivals_free(deaths->boards);
    if (deaths->poll_fd >= 0)
        close(deaths->poll_fd);
    g_hash_table_unref(deaths->known);
    g_hash_table_unref(deaths->fds);
    g_free(deaths);
}
