/*
 * Calls with a stack that is not aligned as compilers have it, as assembly makes them: what the C
 * library bears, a hook bears too, before it waits, and after.
 */
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

#define ARGUMENT(value) ((uintptr_t)(value))

/* Calls the function with three arguments, and a stack that is a word off. */
uintptr_t call_misaligned(uintptr_t function, uintptr_t first, uintptr_t second, uintptr_t third);
__asm__(".text\n"
        ".globl call_misaligned\n"
        ".type call_misaligned, @function\n"
        "call_misaligned:\n"
        ".cfi_startproc\n"
        "mov %rdi, %r11\n"
        "mov %rsi, %rdi\n"
        "mov %rdx, %rsi\n"
        "mov %rcx, %rdx\n"
        "xor %eax, %eax\n"
        "call *%r11\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size call_misaligned, . - call_misaligned\n");

#define CALL(function, first, second, third) \
    (int)call_misaligned(ARGUMENT(function), ARGUMENT(first), ARGUMENT(second), ARGUMENT(third))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold_for_a_moment(void *other_end)
{
    const struct timespec time = {.tv_nsec = 5000000};

    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(write(*(int *)other_end, "x", 1) == 1);
    nanosleep(&time, NULL);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(write(*(int *)other_end, "y", 1) == 1);
    return other_end;
}

static void wait_for_another(int *ends)
{
    struct pollfd polled = {.fd = ends[0], .events = POLLIN};
    pthread_t thread;
    char byte;

    CHECK(pthread_create(&thread, NULL, hold_for_a_moment, &ends[1]) == 0);
    CHECK(CALL(read, ends[0], &byte, 1) == 1);
    CHECK(CALL(pthread_mutex_lock, &mutex, 0, 0) == 0);
    CHECK(CALL(pthread_mutex_unlock, &mutex, 0, 0) == 0);
    CHECK(CALL(poll, &polled, 1, 1000) == 1);
    CHECK(CALL(read, ends[0], &byte, 1) == 1);
    CHECK(CALL(pthread_join, thread, 0, 0) == 0);
}

int main(void)
{
    const struct timespec time = {.tv_nsec = 1000};
    int ends[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    setvbuf(stdout, NULL, _IONBF, 0); /* each printf is a write */
    for (int i = 0; i < 300; i++) {   /* until a thread knows its stack */
        CHECK(CALL(nanosleep, &time, NULL, 0) == 0);
        CHECK(CALL(pthread_mutex_lock, &mutex, 0, 0) == 0);
        CHECK(CALL(pthread_mutex_unlock, &mutex, 0, 0) == 0);
    }
    for (int i = 0; i < 20; i++)
        wait_for_another(ends);
    CHECK(CALL(puts, "put", 0, 0) > 0);
    CHECK(CALL(fflush, stdout, 0, 0) == 0);
    CHECK(printf("%.2f of %d\n", 0.5, 1) == 10);
    printf("behaves\n");
    return 0;
}
