/* Sleeps 60 ms, and says what it was to load: for any C library. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void)
{
    const struct timespec duration = {.tv_nsec = 60000000};
    const char *preload = getenv("LD_PRELOAD");

    nanosleep(&duration, NULL);
    printf("%s\n", preload != NULL ? preload : "nothing");
    return 0;
}
