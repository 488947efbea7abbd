/*
 * Stacks by our own unwinder, against those of the compiler's: through frames of all kinds, libc's
 * functions, a signal in the midst of anything, lazily bound calls, and code that tables are not
 * there for.
 */
#include "stacks_alone.h"

#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { FRAMES_MAX = 200, PATHS = 20000, TICKS = 300, TICK_US = 500 };

// NOLINTBEGIN(bugprone-signal-handler): what is under way is none of it
static unsigned compared, wrong;

static void report(void *const *expected, int expected_count, void *const *found, int count)
{
    if (wrong++ > 0)
        return;
    for (int i = 0; i < expected_count || i < count; i++)
        printf("%2d %18p %18p\n", i, i < expected_count ? expected[i] : NULL,
               i < count ? found[i] : NULL);
}

/* From the caller of the function that calls it on: up to there the calls are different ones. */
static __attribute__((noinline)) void compare(void)
{
    void *expected[FRAMES_MAX], *found[FRAMES_MAX];
    bool is_live;
    int expected_count = backtrace(expected, FRAMES_MAX);
    int count = ct_unwind(found, FRAMES_MAX, &is_live);
    int own = count - (expected_count - 2);

    compared++;
    /* The compiler's has a last one of 0 where a thread begins. */
    if (expected_count > 0 && expected[expected_count - 1] == NULL)
        expected_count--, own++;
    if (own < 0 || expected_count < 3 ||
        memcmp(found + own, expected + 2, (size_t)(expected_count - 2) * sizeof(*found)) != 0)
        report(expected, expected_count, found, count);
}
// NOLINTEND(bugprone-signal-handler)

/* ---- Functions of all kinds ---- */

#define SHAPE __attribute__((noinline, noclone))

static unsigned go_on(unsigned depth, unsigned path);

static SHAPE unsigned plain(unsigned depth, unsigned path)
{
    return go_on(depth, path) + 1;
}

static SHAPE unsigned of_any_length(unsigned depth, unsigned path)
{
    volatile char *room = alloca(16 + path % 4 * 48);

    room[0] = 1;
    return go_on(depth, path) + (unsigned)room[0];
}

static SHAPE unsigned aligned(unsigned depth, unsigned path)
{
    _Alignas(64) volatile char room[64];

    room[path % 64] = 1;
    return go_on(depth, path) + (unsigned)room[path % 64];
}

static SHAPE unsigned aligned_of_any_length(unsigned depth, unsigned path)
{
    _Alignas(128) volatile char room[128];
    volatile char *more = alloca(16 + path % 4 * 48);

    room[path % 64] = 1;
    more[0] = 1;
    return go_on(depth, path) + (unsigned)room[path % 64] + (unsigned)more[0];
}

static unsigned sort_depth, sort_path;

static int order(const void *a, const void *b)
{
    (void)a;
    (void)b;
    return (int)go_on(sort_depth, sort_path) & 1;
}

static SHAPE unsigned through_libc(unsigned depth, unsigned path)
{
    int numbers[2] = {2, 1};

    sort_depth = depth;
    sort_path = path;
    qsort(numbers, 2, sizeof(*numbers), order);
    return (unsigned)numbers[0];
}

static void on_signal(int number)
{
    (void)number;
    compare();
}

static SHAPE unsigned through_signal(unsigned depth, unsigned path)
{
    (void)path;
    raise(SIGUSR1);
    return depth;
}

#if defined(__x86_64__)
/* Its frame's address counts from a register that no compiler uses for that. */
unsigned from_other_register(unsigned (*function)(unsigned depth, unsigned path), unsigned depth,
                             unsigned path);
__asm__(".text\n"
        "from_other_register:\n"
        ".cfi_startproc\n"
        "push %rbx\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset %rbx, -16\n"
        "mov %rsp, %rbx\n"
        ".cfi_def_cfa_register %rbx\n"
        "sub $64, %rsp\n"
        "mov %rdi, %rax\n"
        "mov %esi, %edi\n"
        "mov %edx, %esi\n"
        "call *%rax\n"
        "mov %rbx, %rsp\n"
        ".cfi_def_cfa_register %rsp\n"
        "pop %rbx\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n");

static SHAPE unsigned odd(unsigned depth, unsigned path)
{
    return from_other_register(go_on, depth, path) + 1;
}
#else
#define odd plain
#endif

static unsigned (*const shapes[])(unsigned, unsigned) = {
    plain, of_any_length, aligned, aligned_of_any_length, through_libc, odd, through_signal};

static unsigned go_on(unsigned depth, unsigned path)
{
    if (depth == 0) {
        compare();
        return 0;
    }
    return shapes[path % 7](depth - 1, path / 7 + path % 3);
}

static void *run_thread(void *argument)
{
    for (unsigned path = 0; path < PATHS; path += 7)
        go_on(path % 9, path);
    return argument;
}

/* ---- A signal anywhere ---- */

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
    (void)number;
    ticks++;
    compare();
}

static void be_interrupted(void)
{
    const struct itimerval on = {{0, TICK_US}, {0, TICK_US}}, off = {{0, 0}, {0, 0}};
    volatile unsigned sum = 0;

    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &on, NULL);
    for (unsigned turn = 0; ticks < TICKS; turn++) {
        char text[64];
        snprintf(text, sizeof(text), "%u", turn);
        sum += (unsigned)strtoul(text, NULL, 10) + (unsigned)strlen(text);
    }
    setitimer(ITIMER_REAL, &off, NULL);
}

/* ---- Frames in circles ---- */

#if defined(__x86_64__)
enum { CIRCLES_MAX = 1000 };

/* Calls with its frame, the saved frame pointer and the return address, as compilers make it. */
unsigned with_frame(unsigned (*function)(uint64_t *frame));
__asm__(".text\n"
        "with_frame:\n"
        ".cfi_startproc\n"
        "push %rbp\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset %rbp, -16\n"
        "mov %rsp, %rbp\n"
        ".cfi_def_cfa_register %rbp\n"
        "mov %rdi, %rax\n"
        "mov %rbp, %rdi\n"
        "call *%rax\n"
        "after_call:\n"
        "pop %rbp\n"
        ".cfi_def_cfa %rsp, 8\n"
        "ret\n"
        ".cfi_endproc\n");
extern const char after_call[];

static bool is_to_go_on(void *user, const struct ct_frame *frame)
{
    unsigned *visited = user;

    return frame->address != 0 && ++*visited < CIRCLES_MAX;
}

/* Damages the frame so that its caller is another one of the same function, and the caller of that
 * one this. */
static SHAPE unsigned visit_circle(uint64_t *frame)
{
    uint64_t other[2] = {(uint64_t)frame, (uint64_t)after_call};
    const uint64_t saved[2] = {frame[0], frame[1]};
    unsigned visited = 0;

    frame[0] = (uint64_t)other;
    frame[1] = (uint64_t)after_call;
    bool is_all = ct_unwind_visit(is_to_go_on, &visited);
    memcpy(frame, saved, sizeof(saved));
    return is_all ? CIRCLES_MAX : visited;
}

static bool is_circle_left(void)
{
    unsigned visited = with_frame(visit_circle);

    printf("%u frames in circles\n", visited);
    return visited > 2 && visited < CIRCLES_MAX;
}
#else
static bool is_circle_left(void)
{
    return true;
}
#endif

int main(void)
{
    pthread_t thread;
    void *first[1];

    backtrace(first, 1); /* it loads its library */
    begin_stacks();
    signal(SIGUSR1, on_signal);
    for (unsigned path = 0; path < PATHS; path++)
        go_on(path % 9, path);
    if (pthread_create(&thread, NULL, run_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 1;
    be_interrupted();
    printf("%u stacks, %u wrong\n", compared, wrong);
    return wrong > 0 || compared < PATHS || !is_circle_left();
}
