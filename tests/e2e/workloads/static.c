/* Linked statically: no preload gets in here. */
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec time = {.tv_nsec = 50 * 1000000};

    nanosleep(&time, NULL);
    puts("static was here");
    return 0;
}
