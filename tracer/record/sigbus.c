#include "sigbus.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t page_size;

/* A page of our own takes the place of the one that is not there. Async-signal-safe. */
static void replace_page(int signal_number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    uintptr_t page = (uintptr_t)info->si_addr & ~(page_size - 1);

    (void)context;
    if (info->si_code != BUS_ADRERR ||
        mmap((void *)page, page_size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
        signal(signal_number, SIG_DFL);
        raise(signal_number); /* once we return */
    }
    errno = saved_errno;
}

void ct_sigbus_survive(struct sigaction *previous)
{
    struct sigaction action = {.sa_sigaction = replace_page, .sa_flags = SA_SIGINFO | SA_RESTART};

    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, previous);
}
