/*
 * Waits so many frames deep, TURNS times at the same place, and as often from another function of
 * main's: deep DEPTH TURNS.
 */
#include <stdlib.h>
#include <unistd.h>

static int turns;

__attribute__((noinline)) static int go_down(int depth)
{
    int sum = 0;

    if (depth > 0)
        return go_down(depth - 1) + 1;
    for (int i = 0; i < turns; i++)
        sum += usleep(1000);
    return sum;
}

__attribute__((noinline)) static int by_one_way(int depth)
{
    return go_down(depth) + 1;
}

__attribute__((noinline)) static int by_another(int depth)
{
    return go_down(depth) + 2;
}

int main(int argc, char **argv)
{
    int depth = argc > 2 ? atoi(argv[1]) : 0;

    turns = argc > 2 ? atoi(argv[2]) : 1;
    return by_one_way(depth) + by_another(depth) == 0;
}
