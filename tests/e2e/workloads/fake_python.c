/*
 * What ctrace takes for CPython 3.11, with an interpreter whose memory is damaged in every way that
 * a seed makes up: threads, marks, frames, codes and strings that lead nowhere, in circles, and to
 * each other. It waits a thousand times, and says so at the end.
 *
 * With an argument: two frames, far from each other, that are each other's caller; and while they
 * are looked at, another thread takes their codes away.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))

#define WORDS  4096
#define ROUNDS 1000

EXPORTED const unsigned long Py_Version = 0x030b02f0;
EXPORTED uint64_t _PyRuntime[64], PyCode_Type[64], PyUnicode_Type[64], PyBytes_Type[64];
EXPORTED void *PyGILState_GetThisThreadState(void);
EXPORTED void _PyEval_EvalFrameDefault(void);

static uint64_t *memory; /* readable, and what comes behind it is not */
static void *thread_state;
static uint64_t state = 88172645463325252;

void *PyGILState_GetThisThreadState(void)
{
    return thread_state;
}

static uint64_t draw(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static uint64_t any_address(void)
{
    switch (draw(8)) {
    case 0:
        return state;
    case 1:
        return draw(1 << 20);
    case 2: /* the end is near */
        return (uint64_t)(memory + WORDS) - draw(64);
    case 3:
        return UINT64_MAX - draw(256);
    default:
        return (uint64_t)(memory + draw(WORDS));
    }
}

static uint64_t any_word(void)
{
    const uint64_t types[] = {(uint64_t)PyCode_Type, (uint64_t)PyUnicode_Type,
                              (uint64_t)PyBytes_Type};

    switch (draw(4)) {
    case 0:
        return types[draw(3)];
    case 1:
        return draw(2) ? draw(1 << 22) : state;
    default:
        return any_address();
    }
}

/* A whole chain, of which then a few words are others: thread, mark, frame, code, strings, lines.
 */
static void build(void)
{
    uint64_t *thread = memory, *mark = memory + 64, *frame = memory + 96, *code = memory + 128;
    uint64_t *name = memory + 192, *file = memory + 256, *lines = memory + 320;

    memset(memory, 0, WORDS * sizeof(*memory));
    thread[152 / 8] = (uint64_t)pthread_self();
    thread[56 / 8] = (uint64_t)mark;
    mark[1] = (uint64_t)frame;
    mark[2] = draw(2) ? (uint64_t)mark : 0;
    frame[32 / 8] = (uint64_t)code;
    frame[48 / 8] = draw(2) ? (uint64_t)frame : 0; /* called by itself, for ever */
    frame[56 / 8] = (uint64_t)code + 184 + draw(64);
    frame[64 / 8] = draw(2) << 32;
    code[1] = (uint64_t)PyCode_Type;
    code[72 / 8] = 10;
    code[112 / 8] = (uint64_t)file;
    code[128 / 8] = (uint64_t)name;
    code[136 / 8] = (uint64_t)lines;
    name[1] = file[1] = (uint64_t)PyUnicode_Type;
    name[2] = draw(4) ? 4 : state;
    file[2] = draw(4) ? 8 : draw(1 << 16);
    name[3] = draw(1 << 30);
    name[4] = 1 << 2 | 1 << 5 | draw(2) << 6;
    file[4] = (UINT64_C(1) << (2 + draw(3))) | 1 << 5;
    memset(name + 6, 'f', 64);
    memset(file + 9, 'p', 64);
    lines[1] = (uint64_t)PyBytes_Type;
    lines[2] = draw(4) ? 100 : draw(1 << 21);
    for (int i = 4; i < 16; i++)
        lines[i] = draw(2) ? state | UINT64_C(0x8080808080808080) : state;
    for (uint64_t damages = draw(6); damages > 0; damages--)
        memory[draw(400)] = any_word();
    thread_state = draw(16) ? thread : (void *)any_address();
}

__attribute__((noinline)) void _PyEval_EvalFrameDefault(void)
{
    const struct timespec short_time = {0, 20000};

    nanosleep(&short_time, NULL);
    __asm__ volatile("");
}

static _Atomic int has_changed;

static void build_circle(void)
{
    uint64_t *frames[] = {memory + 96, memory + WORDS / 2};

    do {
        build();
    } while (thread_state != memory || memory[56 / 8] != (uint64_t)(memory + 64) ||
             memory[152 / 8] != (uint64_t)pthread_self() || memory[64 + 1] != (uint64_t)frames[0]);
    for (int i = 0; i < 2; i++) {
        frames[i][32 / 8] = (uint64_t)(memory + 128);
        frames[i][48 / 8] = (uint64_t)frames[1 - i];
        frames[i][64 / 8] = 0;
    }
}

static void *take_codes_away(void *unused)
{
    const struct timespec a_while = {0, 50000000};

    nanosleep(&a_while, NULL);
    for (size_t at = 96; at <= WORDS / 2; at += WORDS / 2 - 96)
        *(volatile uint64_t *)&memory[at + 32 / 8] = 0;
    has_changed = 1;
    return unused;
}

static void wait_in_circle(void)
{
    pthread_t other;

    build_circle();
    if (pthread_create(&other, NULL, take_codes_away, NULL) != 0)
        abort();
    while (!has_changed)
        _PyEval_EvalFrameDefault();
    pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
    (void)argv;
    char *pages = mmap(NULL, WORDS * sizeof(*memory) + 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED || mprotect(pages + WORDS * sizeof(*memory), 4096, PROT_NONE) != 0)
        return 1;
    memory = (uint64_t *)(void *)pages;
    if (argc > 1)
        wait_in_circle();
    for (int round = 0; argc == 1 && round < ROUNDS; round++) {
        build();
        _PyEval_EvalFrameDefault();
    }
    puts("behaves");
    return 0;
}
