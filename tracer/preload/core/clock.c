#include "clock.h"

#include "raw.h"
#include "schema/time_namespace.h"
#include "symbol.h"

#include <fcntl.h>
#include <sys/types.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

/* The C library's own, which asks the vdso; NULL: not looked for yet. */
static int (*read_clock)(clockid_t clock, struct timespec *now);

/* How much the process's clock is ahead of the machine's. */
static uint64_t offset_ns;

static bool may_children_differ;

static void find_clock(void)
{
    void *function = ct_symbol_in_libc("clock_gettime");

    if (function == NULL)
        read_clock = clock_gettime;
    else
        *(void **)&read_clock = function;
}

static uint64_t to_machine_ns(const struct timespec *now)
{
    return (uint64_t)now->tv_sec * NS_PER_S + (uint64_t)now->tv_nsec - offset_ns;
}

uint64_t ct_now_ns(void)
{
    struct timespec now;

    if (read_clock == NULL)
        find_clock();
    read_clock(CLOCK_MONOTONIC, &now);
    return to_machine_ns(&now);
}

uint64_t ct_now_once_ns(void)
{
    struct timespec now;

    if (ct_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) != 0)
        return ct_now_ns();
    return to_machine_ns(&now);
}

uint64_t ct_clock_own_ns(uint64_t time_ns)
{
    return time_ns + offset_ns;
}

/* No time namespace is so close to the machine's: tools give whole seconds. */
#define SAME_NS 100000

/*
 * Is the process's clock what the recorder read, so many ticks on? Then there is no need to ask in
 * /proc, where each process would have to be given folders first. False also if that is not known:
 * the recorder has just begun, or was reading the clock.
 */
static bool is_recorders_clock(void)
{
#if defined(__x86_64__)
    struct timespec now;

    if (!ct_control->uses_tsc || ct_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) != 0)
        return false;
    uint64_t elapsed_ns = ct_elapsed_ns(ct_control->clock_ticks, __rdtsc());
    uint64_t own_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
    return ct_control->clock_ns + elapsed_ns - own_ns + SAME_NS <= 2 * SAME_NS;
#else
    return false;
#endif
}

/* Where /proc does not say, or knows of no time namespaces, it is in its parent's. */
void ct_clock_find_namespace(void)
{
    if (is_recorders_clock()) {
        offset_ns = 0;
        return;
    }
    char text[CT_TIME_NAMESPACE_SIZE];
    ssize_t size =
        ct_syscall(SYS_readlinkat, AT_FDCWD, CT_TIME_NAMESPACE_LINK, text, sizeof(text) - 1);
    int fd = -1;

    if (size > 0) {
        text[size] = '\0';
        if (ct_time_namespace_is_first(text))
            offset_ns = 0;
        else
            fd = (int)ct_syscall(SYS_openat, AT_FDCWD, CT_TIME_OFFSETS_FILE, O_RDONLY | O_CLOEXEC);
    }
    if (fd >= 0) {
        size = ct_syscall(SYS_read, fd, text, sizeof(text) - 1);
        ct_syscall(SYS_close, fd);
        text[size > 0 ? size : 0] = '\0';
        if (size > 0)
            offset_ns = (uint64_t)ct_time_offset_ns(text);
    }
}

void ct_clock_expect_namespace(void)
{
    may_children_differ = true;
}

void ct_clock_forked(void)
{
    if (may_children_differ)
        ct_clock_find_namespace();
}
