/*
 * Closing descriptors, and LTTng's own descriptors in the program. LTTng keeps track of its own
 * and spares them in close and fclose (liblttng-ust-fd, behind us); here they are moved out of the
 * program's way and spared by the calls that close many.
 */
#include "close_hooks.h"

#include "fd.h"
#include "hook.h"
#include "raw.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * ---- LTTng's descriptors stand above those that a program takes, or names: dup2(fd, 3). ----
 * Where the hard limit allows, above the soft one too: who looks at all descriptors stops there.
 */

/* A descriptor table as large as this is nothing unusual. */
#define USUAL_TABLE 1024

/* The lowest number of LTTng's, where there are as many. */
#define USUAL_FLOOR (USUAL_TABLE * 3 / 4)

/* How many of LTTng's there may be. */
#define ROOM_FOR_LTTNG 256

static int copy_from(int fd, rlim_t lowest)
{
    return (int)ct_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, (int)lowest);
}

/* The limit is another one only while the copy is made. */
static int copy_beyond(int fd, rlim_t lowest, const struct rlimit *limit)
{
    struct rlimit raised = {.rlim_cur = lowest + ROOM_FOR_LTTNG, .rlim_max = limit->rlim_max};
    struct rlimit now;

    if (setrlimit(RLIMIT_NOFILE, &raised) != 0)
        return -1;
    int high = copy_from(fd, lowest);
    if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == raised.rlim_cur)
        setrlimit(RLIMIT_NOFILE, limit);
    return high;
}

static int move_up(int fd)
{
    struct rlimit limit;
    int high = -1;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fd;
    rlim_t usual = limit.rlim_cur < USUAL_TABLE ? limit.rlim_cur * 3 / 4 : USUAL_FLOOR;
    rlim_t beyond = limit.rlim_cur > USUAL_FLOOR ? limit.rlim_cur : USUAL_FLOOR;
    if (beyond <= USUAL_TABLE && limit.rlim_max >= beyond + ROOM_FOR_LTTNG) {
        if ((rlim_t)fd >= beyond)
            return fd;
        high = copy_beyond(fd, beyond, &limit);
    }
    if (high < 0 && (rlim_t)fd < usual)
        high = copy_from(fd, usual);
    if (high < 0)
        return fd;
    ct_syscall(SYS_close, fd);
    return high;
}

/* LTTng has opened `fd`; it goes on with the number that this gives. */
CT_REAL(int, lttng_ust_add_fd_to_tracker, (int fd))

int lttng_ust_add_fd_to_tracker(int fd)
{
    CT_NEED_REAL(lttng_ust_add_fd_to_tracker);
    return real_lttng_ust_add_fd_to_tracker(move_up(fd));
}

CT_REAL(int, lttng_ust_safe_close_fd, (int fd, int (*close_it)(int fd)))

static int close_nothing(int fd)
{
    (void)fd;
    return 0;
}

/* LTTng refuses to close its own, and what we gave into its care. */
static bool is_guarded(int fd)
{
    return real_lttng_ust_safe_close_fd != NULL &&
           real_lttng_ust_safe_close_fd(fd, close_nothing) != 0;
}

CT_REAL(void, lttng_ust_lock_fd_tracker, (void))   /* not interposed */
CT_REAL(void, lttng_ust_unlock_fd_tracker, (void)) /* not interposed */

int ct_close_guard(int fd)
{
    if (real_lttng_ust_lock_fd_tracker == NULL || real_lttng_ust_unlock_fd_tracker == NULL)
        return fd;
    fd = move_up(fd);
    if (is_guarded(fd))
        return fd; /* since before somebody closed it behind our back: LTTng aborts on a second */
    real_lttng_ust_lock_fd_tracker();
    fd = lttng_ust_add_fd_to_tracker(fd);
    real_lttng_ust_unlock_fd_tracker();
    return fd;
}

/* ---- Closing one. ---- */

CT_REAL(int, close, (int fd))

int close(int fd)
{
    CT_NEED_REAL(close);
    ct_fd_forget(fd); /* before: the number may be another thread's at once */
    return real_close(fd);
}

/* ---- Closing many. ---- */

CT_REAL(int, close_range, (unsigned first, unsigned last, int flags))

/* What close_range is asked to do, and how far it is done. */
struct closing {
    unsigned next;
    unsigned last;
    int flags;
    int result;
};

static void close_up_to(struct closing *closing, unsigned end)
{
    if (closing->result == 0 && end > closing->next)
        closing->result = real_close_range(closing->next, end - 1, closing->flags);
}

/* Whatever is open in the range, in the order of /proc/self/fd, which is that of the numbers. */
static void close_around_lttng(struct closing *closing)
{
    union {
        struct dirent64 align;
        char bytes[1024];
    } buffer;
    long size;
    int directory =
        (int)ct_syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while (directory >= 0 &&
           (size = ct_syscall(SYS_getdents64, directory, &buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < size;) {
            const struct dirent64 *entry = (const void *)(buffer.bytes + at);
            unsigned fd = (unsigned)atoi(entry->d_name);
            at += entry->d_reclen;
            if (fd < closing->next || fd > closing->last ||
                (fd != (unsigned)directory && !is_guarded((int)fd)))
                continue;
            close_up_to(closing, fd);
            closing->next = fd + 1;
        }
    }
    if (directory >= 0)
        ct_syscall(SYS_close, directory);
    if (closing->next <= closing->last && closing->result == 0)
        closing->result = real_close_range(closing->next, closing->last, closing->flags);
}

int close_range(unsigned first, unsigned last, int flags)
{
    struct closing closing = {.next = first, .last = last, .flags = flags};

    CT_NEED_REAL(close_range);
    /* In the child of vfork too: its memory is the parent's, and libunwind would open its pipe
     * anew there, with the child's numbers. */
    if (first > last || !*ct_is_ours)
        return real_close_range(first, last, flags);
    int saved_errno = errno;
    ct_fd_forget_range(first, last);
    close_around_lttng(&closing);
    if (closing.result == 0)
        errno = saved_errno;
    return closing.result;
}

CT_REAL(void, closefrom, (int first))

void closefrom(int first)
{
    CT_NEED_REAL(closefrom);
    if (close_range(first < 0 ? 0 : (unsigned)first, UINT32_MAX, 0) != 0)
        real_closefrom(first);
}
