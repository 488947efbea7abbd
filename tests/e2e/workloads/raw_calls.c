/*
 * Sleeps by turns through the C library, which a preload sees, and by an instruction of its own,
 * which it does not. Prints how long each took in sum: {"seen_ns": ..., "unseen_ns": ...}
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TURNS 10

static const struct timespec seen = {.tv_nsec = 10 * 1000000};
static const struct timespec unseen = {.tv_nsec = 20 * 1000000};

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static __attribute__((noinline)) void sleep_unseen(void)
{
#if defined(__x86_64__)
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_nanosleep), "D"(&unseen), "S"(NULL)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_nanosleep;
    register const void *time __asm__("x0") = &unseen;
    register void *rest __asm__("x1") = NULL;

    __asm__ volatile("svc 0" : "+r"(time) : "r"(number), "r"(rest) : "memory");
#endif
}

int main(void)
{
    uint64_t seen_ns = 0, unseen_ns = 0;

    for (int i = 0; i < TURNS; i++) {
        uint64_t begin_ns = now_ns();
        nanosleep(&seen, NULL);
        uint64_t middle_ns = now_ns();
        sleep_unseen();
        seen_ns += middle_ns - begin_ns;
        unseen_ns += now_ns() - middle_ns;
    }
    printf("{\"seen_ns\": %llu, \"unseen_ns\": %llu}\n", (unsigned long long)seen_ns,
           (unsigned long long)unseen_ns);
    return 0;
}
