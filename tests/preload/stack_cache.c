/*
 * Stacks that are known again are those that an unwinder finds: functions whose frames have any
 * length, are aligned, or keep other things in the frame pointer, taken in bursts and in turn, in
 * handlers of signals and on stacks that end early.
 */
#include "stacks_alone.h"

#include <alloca.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum { SITE = 1, TURNS = 600000, BURST_MAX = 3000, DEPTH_MAX = 12, FRAMES_MAX = 200 };

/* ---- The check ---- */

static uint32_t taken, wrong;

static __attribute__((noinline)) void check(void)
{
    void *frames[FRAMES_MAX];
    bool is_live;
    uint32_t stack = ct_stack_capture(&ct_self, SITE);
    int count = ct_unwind(frames, FRAMES_MAX, &is_live);
    const struct ct_board_stack *board_stack = ct_stack_at(stack);
    int own = 0;

    taken++;
    if (board_stack == NULL) {
        wrong++;
        return;
    }
    const uint64_t *addresses = board_stack->addresses;
    /* Up to here, the two calls come from different places. */
    while (own < count && (uint64_t)frames[own] != addresses[1])
        own++;
    if (count - own != (int)board_stack->count - 1 ||
        memcmp(frames + own, addresses + 1, (size_t)(count - own) * sizeof(*frames)) != 0)
        wrong++;
}

/* ---- Functions of all kinds ---- */

#define SHAPE __attribute__((noinline, noclone))

static unsigned go_on(unsigned depth, uint64_t path);

static SHAPE unsigned plain(unsigned depth, uint64_t path)
{
    return go_on(depth, path) + 1;
}

static SHAPE unsigned other(unsigned depth, uint64_t path)
{
    return go_on(depth, path) + 2;
}

/* Its frame is as long as the path says, so that it takes a frame pointer. */
static SHAPE unsigned of_any_length(unsigned depth, uint64_t path)
{
    volatile char *room = alloca(16 + path % 4 * 48);

    room[0] = 1;
    return go_on(depth, path) + (unsigned)room[0];
}

static SHAPE unsigned aligned(unsigned depth, uint64_t path)
{
    _Alignas(64) volatile char room[64];

    room[path % 64] = 1;
    return go_on(depth, path) + (unsigned)room[path % 64];
}

/* Keeps so many numbers that the frame pointer is one of them. */
static SHAPE unsigned busy(unsigned depth, uint64_t path)
{
    unsigned a = taken, b = wrong + 1, c = taken ^ 3, d = taken + 9, e = a * b, f = c * d;

    for (unsigned i = 0; i < 2; i++) {
        a += go_on(depth > 2 ? 2 : depth, path) + b;
        b ^= c + e, c += d ^ f, d -= e + a, e += f, f ^= a;
    }
    return a + b + c + d + e + f;
}

static unsigned (*const shapes[])(unsigned, uint64_t) = {plain, other, of_any_length, aligned,
                                                         busy};

static unsigned go_on(unsigned depth, uint64_t path)
{
    if (depth == 0) {
        check();
        return 0;
    }
    return shapes[path % (sizeof(shapes) / sizeof(*shapes))](depth - 1, path / 5 + path % 3);
}

static unsigned sum; /* so that no call is a tail call */

static void on_signal(int number)
{
    sum += go_on(3, (uint64_t)number * 7 + taken / 64 % 3);
}

/* ---- A stack that ends where the path says; above it is no memory ---- */

enum { STACK_SIZE = 64 << 10, STACK_SIZES = 3 };

static char *stacks;
static ucontext_t here, there;
static uint64_t coroutine_path;

static void coroutine(void)
{
    sum += go_on(4, coroutine_path);
}

static void on_other_stack(uint64_t path)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = STACK_SIZE - path % STACK_SIZES * page;

    mprotect(stacks, STACK_SIZE, PROT_READ | PROT_WRITE);
    mprotect(stacks + size, STACK_SIZE - size, PROT_NONE);
    getcontext(&there);
    there.uc_stack.ss_sp = stacks;
    there.uc_stack.ss_size = size;
    there.uc_link = &here;
    coroutine_path = path;
    makecontext(&there, coroutine, 0);
    swapcontext(&here, &there);
}

/* ---- Turns ---- */

static uint64_t random_number(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void take_turn(unsigned kind, unsigned depth, uint64_t path)
{
    if (kind == 0)
        raise(SIGUSR1);
    else if (kind == 1)
        on_other_stack(path);
    else
        sum += go_on(depth, path);
}

static void take_turns(void)
{
    for (unsigned turn = 0; turn < TURNS;) {
        unsigned kind = (unsigned)(random_number() % 16);
        unsigned depth = (unsigned)(random_number() % DEPTH_MAX);
        uint64_t path = random_number() % 100000;
        unsigned burst = 1 + (unsigned)(random_number() % BURST_MAX);

        for (unsigned i = 0; i < burst; i++, turn++)
            take_turn(kind, depth, i % 700 == 699 ? path + random_number() % 5 : path);
    }
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = new_memory(STACK_SIZE), .ss_size = STACK_SIZE};

    begin_stacks();
    stacks = new_memory(STACK_SIZE);
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    take_turns();
    uint32_t recalled = taken - ct_self.stacks_taken;
    printf("%u stacks, %u of them known again, %u wrong (%u)\n", taken, recalled, wrong, sum);
    return wrong > 0 || recalled < taken / 2;
}
