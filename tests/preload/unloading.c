/*
 * Threads that wait with stacks which are new each time, while others load and unload libraries,
 * map and unmap memory that an unwinder may take for a stack, and hold the loader's lock.
 */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUN_S = 2, STACK_SIZE = 1 << 20, PAGE = 4096, HANG_S = 60 };

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

static void sleep_a_moment(void)
{
    const struct timespec time = {.tv_nsec = 1};

    nanosleep(&time, NULL);
}

static time_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* ---- The loader's lock ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t is_inside;

static int wait_in_callback(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)info;
    (void)size;
    (void)user;
    CHECK(sem_post(&is_inside) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return 1;
}

static void *hold_the_loader(void *unused)
{
    CHECK(dl_iterate_phdr(wait_in_callback, NULL) == 1);
    return unused;
}

/* The child has a copy of the lock that nobody gives back. */
static void wait_in_child(void)
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        alarm(HANG_S);
        sleep_a_moment();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void *wait_as_new_thread(void *unused)
{
    sleep_a_moment();
    return unused;
}

static void who_holds_the_loader_waits_for_us(void)
{
    pthread_t thread, other;

    CHECK(sem_init(&is_inside, 0, 0) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_create(&thread, NULL, hold_the_loader, NULL) == 0);
    CHECK(sem_wait(&is_inside) == 0);
    sleep_a_moment();
    CHECK(pthread_create(&other, NULL, wait_as_new_thread, NULL) == 0);
    CHECK(pthread_join(other, NULL) == 0);
    wait_in_child();
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- Frames that are none ---- */

#if defined(__x86_64__)
/* Calls the function with that in the frame pointer; no table tells its caller. */
void call_with_frame(void (*function)(void), void *frame);
__asm__(".text\n"
        ".globl call_with_frame\n"
        ".type call_with_frame, @function\n"
        "call_with_frame:\n"
        "push %rbp\n"
        "mov %rsi, %rbp\n"
        "call *%rdi\n"
        "pop %rbp\n"
        "ret\n"
        ".size call_with_frame, . - call_with_frame\n");

struct frame {
    void *caller;
    void *address;
};

static _Atomic bool is_over;
static char *fleeting;     /* a page that comes and goes */
static void *_Atomic code; /* of a library that comes and goes */

/* Of a thread whose stack is below the page. */
static void *take_the_page_for_a_frame(void *unused)
{
    while (!is_over)
        call_with_frame(sleep_a_moment, fleeting + PAGE / 2);
    return unused;
}

static void *map_and_unmap(void *unused)
{
    while (!is_over) {
        CHECK(mmap(fleeting, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0) == fleeting);
        *(volatile char *)fleeting = 0;
        CHECK(munmap(fleeting, PAGE) == 0);
    }
    return unused;
}

/* The address of one is left over from a call that was over long ago. */
static void *take_old_code_for_a_caller(void *unused)
{
    struct frame frames[8];

    memset(frames, 0, sizeof(frames));
    while (!is_over) {
        frames[0].address = code;
        call_with_frame(sleep_a_moment, frames);
    }
    return unused;
}

static void *load_and_unload(void *unused)
{
    while (!is_over) {
        void *library = dlopen(getenv("CTRACE_TEST_LIBRARY"), RTLD_NOW | RTLD_LOCAL);

        CHECK(library != NULL);
        void (*go_through)(void (*)(void)) =
            (void (*)(void (*)(void)))dlsym(library, "library_calls");
        CHECK(go_through != NULL);
        code = (char *)go_through + 16;
        go_through(sleep_a_moment);
        CHECK(dlclose(library) == 0);
    }
    return unused;
}

static void memory_and_libraries_come_and_go(void)
{
    void *(*const bodies[])(void *) = {
        take_the_page_for_a_frame,  take_the_page_for_a_frame,  map_and_unmap,
        take_old_code_for_a_caller, take_old_code_for_a_caller, load_and_unload};
    enum { THREADS = sizeof(bodies) / sizeof(*bodies) };
    pthread_t threads[THREADS];
    pthread_attr_t attributes;
    time_t begin_s = now_s();
    char *memory = mmap(NULL, THREADS * (size_t)STACK_SIZE + 16 * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(memory != MAP_FAILED);
    fleeting = memory + THREADS * (size_t)STACK_SIZE + 8 * PAGE;
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_attr_init(&attributes) == 0);
        CHECK(pthread_attr_setstack(&attributes, memory + i * (size_t)STACK_SIZE, STACK_SIZE) == 0);
        CHECK(pthread_create(&threads[i], &attributes, bodies[i], NULL) == 0);
        CHECK(pthread_attr_destroy(&attributes) == 0);
    }
    while (now_s() < begin_s + RUN_S)
        sleep_a_moment();
    is_over = true;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(munmap(memory, THREADS * (size_t)STACK_SIZE + 16 * PAGE) == 0);
}
#else
static void memory_and_libraries_come_and_go(void)
{
}
#endif

int main(void)
{
    alarm(HANG_S); /* a hang is a failure */
    who_holds_the_loader_waits_for_us();
    memory_and_libraries_come_and_go();
    printf("behaves\n");
    return 0;
}
