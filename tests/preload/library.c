/* A library that limits.c loads, waits in, and unloads. */
#include <time.h>

void library_wait(void);

void library_wait(void)
{
    struct timespec time = {.tv_nsec = 100000};

    nanosleep(&time, NULL);
}
