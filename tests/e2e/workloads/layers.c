/* Private functions below an exported one; the innermost waits, from two places, and asks the
 * clock. */
#include <time.h>
#include <unistd.h>

#define KEPT          __attribute__((noinline))
#define STAY_ON_STACK __asm__ volatile("")

static KEPT void wait_at_the_bottom(int is_second)
{
    if (is_second)
        usleep(30000);
    else
        usleep(20000);
    STAY_ON_STACK;
}

static KEPT void go_through_the_middle(int is_second)
{
    wait_at_the_bottom(is_second);
    STAY_ON_STACK;
}

KEPT void enter_at_the_top(void)
{
    struct timespec now;

    for (int i = 0; i < 20; i++)
        go_through_the_middle(i % 2);
    for (int i = 0; i < 3000000; i++)
        clock_gettime(CLOCK_MONOTONIC, &now);
}

int main(void)
{
    enter_at_the_top();
    return 0;
}
