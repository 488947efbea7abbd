/* A library that limits.c and unloading.c load, wait in, and unload. */
#include <time.h>

void library_wait(void);
void library_calls(void (*function)(void));

void library_wait(void)
{
    struct timespec time = {.tv_nsec = 100000};

    nanosleep(&time, NULL);
}

/* Not by its last instruction: the call returns here. */
void library_calls(void (*function)(void))
{
    for (volatile int i = 0; i < 2; i++)
        function();
}
