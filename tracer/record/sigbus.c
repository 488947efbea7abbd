#include "sigbus.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* State of a thread: a handler gets no argument of ours. */
_Thread_local struct ct_sigbus_watch *volatile ct_sigbus_watched;

/* A page of our own takes the place of the one that is not there. Async-signal-safe. */
static void replace_page(int signal_number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct ct_sigbus_watch *watch = ct_sigbus_watched;

    (void)context;
    if (info->si_code != BUS_ADRERR ||
        mmap((void *)(address & ~(page_size - 1)), page_size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        signal(signal_number, SIG_DFL);
        raise(signal_number); /* once we return */
    } else if (watch != NULL && address >= watch->begin && address < watch->end) {
        watch->is_hit = 1;
    }
    errno = saved_errno;
}

void ct_sigbus_survive(struct sigaction *previous)
{
    struct sigaction action = {.sa_sigaction = replace_page, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, previous);
}
