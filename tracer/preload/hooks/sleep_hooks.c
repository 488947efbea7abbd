/* Sleeping for a time. */
#include "wrap.h"

#include <threads.h>
#include <time.h>
#include <unistd.h>

CT_WRAP(int, nanosleep, (const struct timespec *duration, struct timespec *rest), (duration, rest),
        CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0)
CT_WRAP_PTHREAD(clock_nanosleep,
                (clockid_t clock, int flags, const struct timespec *time, struct timespec *rest),
                (clock, flags, time, rest), CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0)
CT_WRAP(int, usleep, (useconds_t duration_us), (duration_us), CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0)
CT_WRAP_OUTCOME(int, thrd_sleep, (const struct timespec *duration, struct timespec *rest),
                (duration, rest), CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0, result)
CT_WRAP_OUTCOME(unsigned, sleep, (unsigned duration_s), (duration_s), CT_OP_NANOSLEEP,
                CT_CLASS_SLEEP, 0, result)
