/*
 * Stacks that nobody told the C library about, and small ones: a program's calls, with and without
 * ctrace, take no more of them than it has. It checks itself and exits 0.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#undef NDEBUG
#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
            _exit(1);                                                                     \
        }                                                                                 \
    } while (0)

extern char **environ;

enum { PAGE = 4096 };

/* ---- Coroutines. ---- */

static ucontext_t caller, callee;
static void (*body)(void *argument);
static void *body_argument;

static void run_body(void)
{
    body(body_argument);
}

static void run_on(char *stack, size_t size, void (*function)(void *), void *argument)
{
    body = function;
    body_argument = argument;
    CHECK(getcontext(&callee) == 0);
    callee.uc_stack.ss_sp = stack;
    callee.uc_stack.ss_size = size;
    callee.uc_link = &caller;
    makecontext(&callee, run_body, 0);
    CHECK(swapcontext(&caller, &callee) == 0);
    body_argument = NULL;
}

/* With nothing below that could be written to. */
static char *new_stack(size_t size)
{
    char *memory =
        mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(memory != MAP_FAILED && mprotect(memory, PAGE, PROT_NONE) == 0);
    return memory + PAGE;
}

/* ---- How much stack a call takes: with the hooks, and libc's own. ---- */

/* What a hook may take besides; the frame that the kernel makes for a signal takes more. */
#define HOOK_LIMIT 1024

/* Enough for a place to be taken with and without the unwinder's cache. */
#define CALLS 40

#define PATTERN 0xa5

enum { MEASURED_SIZE = 1 << 17 };
static unsigned char *measured_stack;
static size_t most_used;

#if defined(__x86_64__)
#define STACK_POINTER(place) __asm__ volatile("mov %%rsp, %0" : "=r"(place) : : "memory")
#elif defined(__aarch64__)
#define STACK_POINTER(place) __asm__ volatile("mov %0, sp" : "=r"(place) : : "memory")
#endif

/* Both are part of the function whose calls are measured: what they find is below its frame. */
#define PART static inline __attribute__((always_inline)) void

PART paint(void)
{
    volatile unsigned char *end;

    STACK_POINTER(end);
    for (volatile unsigned char *at = measured_stack; at < end; at++)
        *at = PATTERN;
}

PART note_use(void)
{
    volatile unsigned char *end, *at = measured_stack;

    STACK_POINTER(end);
    while (at < end && *at == PATTERN)
        at++;
    if ((size_t)(end - at) > most_used)
        most_used = (size_t)(end - at);
}

#define MEASURED(call) \
    do {               \
        paint();       \
        call;          \
        note_use();    \
    } while (0)

static int data_pipe[2], data_pair[2], regular, poller, semaphores;
static sem_t semaphore;
static pthread_mutex_t taken = PTHREAD_MUTEX_INITIALIZER, idle = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_key_t key;
static FILE *stream_in, *stream_out;
static const struct timespec past, moment = {0, 1000};
static int wake_pipe[2];
static sem_t wake_semaphore;
static char bytes[16];
static int number;
static char *far_environment[200];
static char *const no_arguments[] = {NULL};

static void give(int fd)
{
    CHECK(write(fd, "x\n", 2) == 2);
}

static void take(int fd)
{
    CHECK(read(fd, bytes, 2) == 2);
}

static void initialize(void)
{
}

static void *nothing(void *argument)
{
    return argument;
}

/* `function` is called by the name of one that it is like. */
#define CALL(name) ((typeof(&(name)))function)
#define USE(name)  static void use_##name(void *function)

USE(read)
{
    give(data_pipe[1]);
    MEASURED(CALL(read)(data_pipe[0], bytes, 2));
}
USE(pread)
{
    MEASURED(CALL(pread)(regular, bytes, 2, 0));
}
USE(write)
{
    MEASURED(CALL(write)(data_pipe[1], "x\n", 2));
    take(data_pipe[0]);
}
USE(recv)
{
    give(data_pair[1]);
    MEASURED(CALL(recv)(data_pair[0], bytes, 2, 0));
}
USE(send)
{
    MEASURED(CALL(send)(data_pair[1], "x\n", 2, 0));
    take(data_pair[0]);
}
USE(accept)
{
    MEASURED(CALL(accept)(data_pair[0], NULL, NULL));
}
USE(connect)
{
    MEASURED(CALL(connect)(data_pair[0], NULL, 0));
}
USE(nanosleep)
{
    MEASURED(CALL(nanosleep)(&moment, NULL));
}
USE(usleep)
{
    MEASURED(CALL(usleep)(1));
}
USE(waitpid)
{
    MEASURED(CALL(waitpid)(-1, NULL, 0));
}
USE(fsync)
{
    MEASURED(CALL(fsync)(regular));
}
USE(flock)
{
    MEASURED(CALL(flock)(regular, LOCK_EX));
}
USE(unlink)
{
    MEASURED(CALL(unlink)("/does/not/exist"));
}
USE(open)
{
    MEASURED(number = CALL(open)("/dev/null", O_RDONLY));
    close(number);
}
USE(close)
{
    number = dup(0);
    MEASURED(CALL(close)(number));
}
USE(dup)
{
    MEASURED(number = CALL(dup)(0));
    close(number);
}
USE(semop)
{
    MEASURED(CALL(semop)(semaphores, &(struct sembuf){0, 0, 0}, 1));
}
USE(sem_wait)
{
    sem_post(&semaphore);
    MEASURED(CALL(sem_wait)(&semaphore));
}
USE(sem_timedwait)
{
    MEASURED(CALL(sem_timedwait)(&semaphore, &past));
}
USE(pthread_cond_signal)
{
    MEASURED(CALL(pthread_cond_signal)(&condition));
}
USE(pthread_barrier_wait)
{
    MEASURED(CALL(pthread_barrier_wait)(&barrier));
}
USE(pthread_mutex_timedlock)
{
    MEASURED(CALL(pthread_mutex_timedlock)(&taken, &past));
}
USE(pthread_rwlock_timedrdlock)
{
    MEASURED(CALL(pthread_rwlock_timedrdlock)(&written, &past));
}
USE(pthread_setspecific)
{
    MEASURED(CALL(pthread_setspecific)(key, NULL));
}
USE(pthread_getspecific)
{
    MEASURED(CALL(pthread_getspecific)(key));
}
USE(fgetc)
{
    give(data_pipe[1]);
    MEASURED(CALL(fgetc)(stream_in));
    fgetc(stream_in);
}
USE(fputs)
{
    MEASURED(CALL(fputs)("x\n", stream_out));
    take(data_pipe[0]);
}
USE(fprintf)
{
    MEASURED(CALL(fprintf)(stream_out, "x\n"));
    take(data_pipe[0]);
}
USE(execve)
{
    MEASURED(CALL(execve)("/does/not/exist", no_arguments, environ));
}

USE(poll)
{
    struct pollfd watched = {.fd = data_pipe[0], .events = POLLIN};
    MEASURED(CALL(poll)(&watched, 1, 1));
}

USE(select)
{
    fd_set set;
    struct timeval soon = {0, 1};
    FD_ZERO(&set);
    FD_SET(data_pipe[0], &set);
    MEASURED(CALL(select)(data_pipe[0] + 1, &set, NULL, NULL, &soon));
}

USE(epoll_wait)
{
    struct epoll_event event;
    MEASURED(CALL(epoll_wait)(poller, &event, 1, 1));
}

USE(recvmsg)
{
    struct iovec part = {bytes, 2};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    give(data_pair[1]);
    MEASURED(CALL(recvmsg)(data_pair[0], &message, 0));
}

USE(socketpair)
{
    int fds[2];
    MEASURED(CALL(socketpair)(AF_UNIX, SOCK_STREAM, 0, fds));
    close(fds[0]);
    close(fds[1]);
}

USE(fcntl)
{
    struct flock lock = {.l_type = F_WRLCK};
    MEASURED(CALL(fcntl)(regular, F_SETLKW, &lock));
}

USE(sigtimedwait)
{
    sigset_t signals;
    sigemptyset(&signals);
    MEASURED(CALL(sigtimedwait)(&signals, NULL, &moment));
}

USE(pthread_mutex_lock)
{
    MEASURED(CALL(pthread_mutex_lock)(&idle));
    pthread_mutex_unlock(&idle);
}

USE(pthread_mutex_unlock)
{
    pthread_mutex_lock(&idle);
    MEASURED(CALL(pthread_mutex_unlock)(&idle));
}

USE(pthread_cond_timedwait)
{
    pthread_mutex_lock(&idle);
    MEASURED(CALL(pthread_cond_timedwait)(&condition, &idle, &past));
    pthread_mutex_unlock(&idle);
}

USE(pthread_once)
{
    pthread_once_t once = PTHREAD_ONCE_INIT;
    MEASURED(CALL(pthread_once)(&once, initialize));
}

USE(pthread_create)
{
    pthread_t thread;
    MEASURED(CALL(pthread_create)(&thread, NULL, nothing, NULL));
    pthread_join(thread, NULL);
}

USE(pthread_join)
{
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, NULL);
    MEASURED(CALL(pthread_join)(thread, NULL));
}

USE(fgets)
{
    give(data_pipe[1]);
    MEASURED(CALL(fgets)(bytes, sizeof(bytes), stream_in));
}

USE(fopen)
{
    FILE *stream;
    MEASURED(stream = CALL(fopen)("/dev/null", "r"));
    fclose(stream);
}

USE(getaddrinfo)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    MEASURED(CALL(getaddrinfo)("127.0.0.1", NULL, &hints, &found));
    freeaddrinfo(found);
}

USE(syscall)
{
    struct timespec soon = moment;
    MEASURED(CALL(syscall)(SYS_futex, &number, 0, number, &soon, NULL, 0));
}

USE(posix_spawn)
{
    pid_t child;
    MEASURED(CALL(posix_spawn)(&child, "/does/not/exist", NULL, NULL, no_arguments, environ));
}

/* A child in which nobody measures: it uses what its parent has. */
USE(fork)
{
    pid_t child;
    MEASURED(child = CALL(fork)(); if (child == 0) _exit(0));
    CHECK(waitpid(child, NULL, 0) == child);
}

/* Of a descriptor that nobody has looked at. */
USE(read_first)
{
    int fds[2];
    CHECK(pipe(fds) == 0);
    give(fds[1]);
    MEASURED(CALL(read)(fds[0], bytes, 2));
    close(fds[0]);
    close(fds[1]);
}

USE(recv_first)
{
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    give(fds[1]);
    MEASURED(CALL(recv)(fds[0], bytes, 2, 0));
    close(fds[0]);
    close(fds[1]);
}

/* While another thread waits for it. */
USE(write_wakes)
{
    usleep(300);
    MEASURED(CALL(write)(wake_pipe[1], "x\n", 2));
}

USE(sem_post_wakes)
{
    usleep(300);
    MEASURED(CALL(sem_post)(&wake_semaphore));
}

/* With an environment of the program's own, that goes on without us. */
USE(execve_far)
{
    MEASURED(CALL(execve)("/does/not/exist", no_arguments, far_environment));
}

USE(posix_spawn_far)
{
    pid_t child;
    MEASURED(
        CALL(posix_spawn)(&child, "/does/not/exist", NULL, NULL, no_arguments, far_environment));
}

/* `like`: the function by whose type it is called, and whose name it has. */
#define ROW_LIKE(like, name, count)     \
    {                                   \
#like, #name, use_##name, count \
    }
#define ROW(name, count) ROW_LIKE(name, name, count)

static const struct row {
    const char *function;
    const char *name;
    void (*use)(void *function);
    int calls;
} rows[] = {
    ROW(read, CALLS),
    ROW_LIKE(read, read_first, 40),
    ROW_LIKE(recv, recv_first, 40),
    ROW_LIKE(write, write_wakes, 40),
    ROW_LIKE(sem_post, sem_post_wakes, 40),
    ROW(pread, CALLS),
    ROW(write, CALLS),
    ROW(recv, CALLS),
    ROW(recvmsg, CALLS),
    ROW(send, CALLS),
    ROW(accept, CALLS),
    ROW(connect, CALLS),
    ROW(poll, 20),
    ROW(select, CALLS),
    ROW(epoll_wait, 20),
    ROW(open, CALLS),
    ROW(close, CALLS),
    ROW(dup, CALLS),
    ROW(socketpair, CALLS),
    ROW(fcntl, CALLS),
    ROW(flock, CALLS),
    ROW(fsync, 20),
    ROW(unlink, CALLS),
    ROW(nanosleep, CALLS),
    ROW(usleep, CALLS),
    ROW(sigtimedwait, CALLS),
    ROW(waitpid, CALLS),
    ROW(pthread_mutex_lock, CALLS),
    ROW(pthread_mutex_unlock, CALLS),
    ROW(pthread_mutex_timedlock, CALLS),
    ROW(pthread_rwlock_timedrdlock, CALLS),
    ROW(pthread_cond_timedwait, CALLS),
    ROW(pthread_cond_signal, CALLS),
    ROW(pthread_barrier_wait, CALLS),
    ROW(pthread_once, CALLS),
    ROW(pthread_create, 20),
    ROW(pthread_join, 20),
    ROW(pthread_setspecific, CALLS),
    ROW(pthread_getspecific, CALLS),
    ROW(sem_wait, CALLS),
    ROW(sem_timedwait, CALLS),
    ROW(semop, CALLS),
    ROW(getaddrinfo, 20),
    ROW(fgetc, CALLS),
    ROW(fgets, CALLS),
    ROW(fputs, CALLS),
    ROW(fprintf, CALLS),
    ROW(fopen, CALLS),
    ROW(syscall, CALLS),
    ROW(execve, 5),
    ROW_LIKE(execve, execve_far, 5),
    ROW_LIKE(posix_spawn, posix_spawn_far, 5),
    ROW(posix_spawn, 5),
    ROW(fork, 2),
};

/* One row, with one of the functions of its name. */
struct measurement {
    const struct row *row;
    void *library;
    int calls;
};

static void measure_on_coroutine(void *argument)
{
    const struct measurement *measurement = argument;
    void *function = dlsym(measurement->library, measurement->row->function);

    CHECK(function != NULL);
    for (int i = 0; i < measurement->calls; i++)
        measurement->row->use(function);
}

static size_t measure(const struct row *row, void *library, int calls)
{
    struct measurement measurement = {row, library, calls};

    most_used = 0;
    run_on((char *)measured_stack, MEASURED_SIZE, measure_on_coroutine, &measurement);
    return most_used;
}

static void *take_locks(void *barrier_passed)
{
    CHECK(pthread_mutex_lock(&taken) == 0 && pthread_rwlock_wrlock(&written) == 0);
    pthread_barrier_wait(barrier_passed);
    for (;;)
        pause();
}

static void *wait_for_writes(void *unused)
{
    char woken[16];

    while (read(wake_pipe[0], woken, sizeof(woken)) > 0)
        ;
    return unused;
}

static void *wait_for_posts(void *unused)
{
    while (sem_wait(&wake_semaphore) == 0)
        ;
    return unused;
}

static void prepare_calls(void)
{
    pthread_barrier_t both;
    pthread_t thread;
    struct epoll_event event = {.events = EPOLLIN};

    CHECK(pipe(data_pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, data_pair) == 0);
    CHECK((regular = memfd_create("small_stacks", 0)) >= 0 && ftruncate(regular, 100) == 0);
    CHECK((poller = epoll_create1(0)) >= 0);
    CHECK(epoll_ctl(poller, EPOLL_CTL_ADD, data_pipe[0], &event) == 0);
    CHECK((semaphores = semget(IPC_PRIVATE, 1, 0600)) >= 0);
    CHECK((stream_in = fdopen(data_pipe[0], "r")) != NULL);
    CHECK((stream_out = fdopen(data_pipe[1], "w")) != NULL);
    CHECK(setvbuf(stream_out, NULL, _IOLBF, 512) == 0);
    CHECK(sem_init(&semaphore, 0, 0) == 0 && pthread_key_create(&key, NULL) == 0);
    pthread_barrier_init(&barrier, NULL, 1);
    pthread_barrier_init(&both, NULL, 2);
    CHECK(pthread_create(&thread, NULL, take_locks, &both) == 0);
    pthread_barrier_wait(&both);
    CHECK(pipe(wake_pipe) == 0 && sem_init(&wake_semaphore, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_writes, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_posts, NULL) == 0);
    for (size_t i = 0; i + 1 < sizeof far_environment / sizeof *far_environment; i++)
        far_environment[i] = "NAME=value";
    measured_stack = (unsigned char *)new_stack(MEASURED_SIZE);
}

/* What is measured in a thread that the C library made, on the first call of which we hear. */
static size_t hooked_in_new_thread;
static sem_t is_measured;

static void measure_first_call(union sigval row)
{
    hooked_in_new_thread = measure(row.sival_ptr, RTLD_DEFAULT, 3);
    sem_post(&is_measured);
}

static void measure_in_new_thread(const struct row *row)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                             .sigev_value = {.sival_ptr = (void *)row},
                             .sigev_notify_function = measure_first_call};
    struct itimerspec soon = {.it_value = {0, 1000}};
    timer_t timer;

    CHECK(sem_init(&is_measured, 0, 0) == 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK(sem_wait(&is_measured) == 0 && timer_delete(timer) == 0);
}

static bool is_little(const struct row *row, size_t bare, size_t hooked)
{
    if (getenv("CTRACE_TEST_TELL") != NULL)
        fprintf(stderr, "%-28s %6zu %6zd\n", row->name, bare, (ssize_t)(hooked - bare));
    if (hooked <= bare + HOOK_LIMIT)
        return true;
    printf("%s takes %zu bytes of stack, libc's own %zu\n", row->name, hooked, bare);
    return false;
}

static void hooks_take_next_to_no_stack(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    bool all_are_little = true;

    CHECK(libc != NULL);
    prepare_calls();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        measure(&rows[i], libc, 1); /* the first finds what it calls, which takes more */
        size_t bare = measure(&rows[i], libc, 3);
        size_t hooked = measure(&rows[i], RTLD_DEFAULT, rows[i].calls);
        all_are_little = is_little(&rows[i], bare, hooked) && all_are_little;
        if (rows[i].use == use_nanosleep || rows[i].use == use_read_first) {
            measure_in_new_thread(&rows[i]);
            all_are_little = is_little(&rows[i], bare, hooked_in_new_thread) && all_are_little;
        }
    }
    semctl(semaphores, 0, IPC_RMID);
    fflush(stdout);
    CHECK(all_are_little);
}

/* ---- Coroutines and handlers with as little as programs give them. ---- */

enum { SMALL = 8192, COROUTINES = 4, TURNS = 40 };

static void sleep_us(long us)
{
    struct timespec time = {0, us * 1000};

    while (nanosleep(&time, &time) != 0)
        CHECK(errno == EINTR);
}

static void wait_with_a_buffer(void *fds)
{
    char buffer[2048];

    memset(buffer, 0, sizeof buffer);
    for (int i = 0; i < TURNS; i++) {
        give(((int *)fds)[1]);
        sleep_us(20);
        CHECK(read(((int *)fds)[0], buffer, sizeof buffer) == 2 && buffer[0] == 'x');
    }
}

static void small_coroutines_wait(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < COROUTINES; i++)
        run_on(new_stack(SMALL), SMALL, wait_with_a_buffer, fds);
}

#if defined(__x86_64__)
/* ---- Coroutines as runtimes make them by hand: no frame says that it is the last. ---- */

void go_over(void **from, void *to);
__asm__(".text\n"
        ".globl go_over\n"
        "go_over:\n"
        "push %rbp\n"
        "push %rbx\n"
        "push %r12\n"
        "push %r13\n"
        "push %r14\n"
        "push %r15\n"
        "mov %rsp, (%rdi)\n"
        "mov %rsi, %rsp\n"
        "pop %r15\n"
        "pop %r14\n"
        "pop %r13\n"
        "pop %r12\n"
        "pop %rbx\n"
        "pop %rbp\n"
        "ret\n");

static void *program_stack, *coroutine_stack;

static void wait_for_ever(void)
{
    for (;;) {
        sleep_us(20);
        go_over(&coroutine_stack, program_stack);
    }
}

static void run_by_hand(char *end, int turns)
{
    void **stack = (void **)end;

    *--stack = (void *)0x4141414141414141; /* for a stack that is aligned as compilers expect */
    *--stack = (void *)wait_for_ever;
    coroutine_stack = stack - 6;
    memset(coroutine_stack, 0, 6 * sizeof *stack);
    for (int i = 0; i < turns; i++)
        go_over(&program_stack, coroutine_stack);
}

/* An unwinder looks beyond the end: at what there is, and, in the next turn, no longer is. */
static void nothing_is_beyond_the_end(void)
{
    static const int turns[] = {1, TURNS, 300};

    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        for (int k = 0; k < 3; k++) {
            char *stack = new_stack(2 * SMALL);
            char *end = stack + SMALL;
            memset(end, 0x41, SMALL);
            run_by_hand(end, turns[i]);
            run_by_hand(end + 256, turns[i]);
            CHECK(munmap(end, SMALL) == 0);
            run_by_hand(end, turns[i]);
            CHECK(munmap(stack - PAGE, PAGE + SMALL) == 0);
        }
    }
}
#else
static void nothing_is_beyond_the_end(void)
{
}
#endif

static volatile sig_atomic_t handled;

static void wait_in_handler(int signal)
{
    int saved_errno = errno;

    (void)signal;
    sleep_us(50);
    handled++;
    errno = saved_errno;
}

static void handle_on_small_stack(void (*handler)(int), int flags)
{
    stack_t stack = {.ss_sp = new_stack(SMALL), .ss_size = SMALL};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | flags};

    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
}

static void small_signal_stacks_wait(void)
{
    handle_on_small_stack(wait_in_handler, SA_RESTART);
    for (int i = 0; i < TURNS; i++)
        raise(SIGUSR1);
    CHECK(handled == TURNS);
}

/* A signal often comes while a coroutine's stack is looked at, or an event of it is written. */
static void signals_come_to_coroutines(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec often = {{0, 300000}, {0, 300000}};
    timer_t timer;
    int fds[2];

    handle_on_small_stack(wait_in_handler, SA_RESTART);
    CHECK(pipe(fds) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &often, NULL) == 0);
    while (handled < TURNS)
        run_on(new_stack(SMALL), SMALL, wait_with_a_buffer, fds);
    CHECK(timer_delete(timer) == 0);
}

static sigjmp_buf outside;

static void wait_and_jump(int signal)
{
    wait_in_handler(signal);
    siglongjmp(outside, 1);
}

static void handlers_jump_out_of_waits(void)
{
    volatile int i;

    handle_on_small_stack(wait_and_jump, 0);
    for (i = 0; i < TURNS; i++)
        if (sigsetjmp(outside, 1) == 0)
            raise(SIGUSR1);
    CHECK(handled == TURNS);
}

static void masks_are_the_programs(void)
{
    sigset_t before, after;

    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0);
    small_coroutines_wait();
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &after) == 0);
    CHECK(memcmp(&before, &after, _NSIG / 8) == 0);
}

static void fork_here(void *fds)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        give(((int *)fds)[1]);
        sleep_us(20);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    take(((int *)fds)[0]);
}

static void small_coroutines_fork(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < COROUTINES; i++)
        run_on(new_stack(SMALL), SMALL, fork_here, fds);
}

static size_t mapped_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = 0;

    CHECK(file != NULL && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    return pages;
}

static void vfork_here(void *unused)
{
    char *const arguments[] = {"true", NULL};
    int status;
    pid_t child = vfork();

    (void)unused;
    if (child == 0) {
        execve("/bin/true", arguments, far_environment);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* What the children leave with their parent is one and the same. */
static void small_coroutines_vfork(void)
{
    enum { FIRST = 2, COUNT = 10 };
    char *stack = new_stack(SMALL);
    size_t pages = 0;

    for (size_t i = 0; i + 1 < sizeof far_environment / sizeof *far_environment; i++)
        far_environment[i] = "NAME=value";
    small_coroutines_wait(); /* with all that an unwinder keeps */
    for (int i = 0; i < COUNT; i++) {
        if (i == FIRST)
            pages = mapped_pages();
        run_on(stack, SMALL, vfork_here, NULL);
    }
    CHECK(mapped_pages() < pages + COUNT - FIRST);
}

static void *wait_on_a_coroutine(void *unused)
{
    static _Thread_local ucontext_t back, there;
    char *stack = new_stack(SMALL);

    CHECK(getcontext(&there) == 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = SMALL;
    there.uc_link = &back;
    makecontext(&there, (void (*)(void))sleep_us, 1, 20);
    CHECK(swapcontext(&back, &there) == 0);
    CHECK(munmap(stack - PAGE, SMALL + PAGE) == 0);
    return unused;
}

/* What is kept for a thread goes with it. */
static void threads_leave_nothing(void)
{
    enum { THREADS = 400, FIRST = 100 };
    size_t pages = 0;

    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (i == FIRST)
            pages = mapped_pages();
        CHECK(pthread_create(&thread, NULL, wait_on_a_coroutine, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(mapped_pages() < pages + (THREADS - FIRST) * 4);
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"hooks_take_next_to_no_stack", hooks_take_next_to_no_stack},
    {"small_coroutines_wait", small_coroutines_wait},
    {"small_signal_stacks_wait", small_signal_stacks_wait},
    {"signals_come_to_coroutines", signals_come_to_coroutines},
    {"handlers_jump_out_of_waits", handlers_jump_out_of_waits},
    {"masks_are_the_programs", masks_are_the_programs},
    {"small_coroutines_fork", small_coroutines_fork},
    {"small_coroutines_vfork", small_coroutines_vfork},
    {"nothing_is_beyond_the_end", nothing_is_beyond_the_end},
    {"threads_leave_nothing", threads_leave_nothing},
};

int main(int argc, char **argv)
{
    int failures = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int status;

        if (argc > 1 && strcmp(argv[1], parts[i].name) != 0)
            continue;
        pid_t child = fork();
        if (child == 0) {
            parts[i].run();
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) {
            printf("%s: wait status 0x%x\n", parts[i].name, status);
            failures++;
        }
    }
    if (failures == 0)
        puts("behaves");
    return failures != 0;
}
