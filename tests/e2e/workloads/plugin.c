/*
 * A plug-in. All that are built of this have their code at the same addresses, but their own names,
 * and frames of another size.
 */
#include <unistd.h>

#define JOIN(a, b)  a##b
#define NAME(a, b)  JOIN(a, b)
#define FUNCTION(x) NAME(PLUGIN, x)

int plugin_run(int turns);

__attribute__((noinline)) int FUNCTION(_waits)(int turn)
{
    volatile char room[PLUGIN_FRAME];

    room[turn % PLUGIN_FRAME] = 1;
    usleep(PLUGIN_US);
    return room[turn % PLUGIN_FRAME];
}

int plugin_run(int turns)
{
    volatile char room[PLUGIN_FRAME];
    int sum = 0;

    room[turns % PLUGIN_FRAME] = 0;
    for (int i = 0; i < turns; i++)
        sum += FUNCTION(_waits)(i);
    return sum + room[turns % PLUGIN_FRAME];
}

/* Unloading it waits, while it is still there. */
__attribute__((destructor)) static void FUNCTION(_ends)(void)
{
    usleep(PLUGIN_US);
    __asm__ volatile(""); /* no tail call */
}
