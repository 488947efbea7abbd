#include "round.h"

#include "preload/core/memory.h"
#include "preload/core/raw.h"

#include <sys/resource.h>

uint64_t ct_round_switches(void)
{
    struct rusage usage = {0};

    if (!ct_calls_are_filtered())
        ct_syscall(SYS_getrusage, RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_nvcsw;
}
