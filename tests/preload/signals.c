/*
 * What a program may do with signals while its threads wait, with and without ctrace: it checks
 * itself and exits 0.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#undef NDEBUG
#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

enum { RING_MS = 5, TURNS = 5 };

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* SIGUSR1 comes to `handler` in a moment, as to a program that waits. */
static void ring(void (*handler)(int), int flags)
{
    static timer_t timer;
    static int has_timer;
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec soon = {.it_value = {0, RING_MS * 1000000}};

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(has_timer || timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    has_timer = 1;
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
}

/* ---- siglongjmp out of each kind of wait. ---- */

static sigjmp_buf outside;
static int empty_pipe[2], pair[2], empty_epoll;
static sem_t semaphore;
static pthread_mutex_t taken = PTHREAD_MUTEX_INITIALIZER;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(outside, 1);
}

/* A handler that waited itself, inside the wait that it interrupted. */
static void wait_and_jump(int signal)
{
    sleep_ms(2);
    jump(signal);
}

static void in_read(void)
{
    char byte;

    (void)!read(empty_pipe[0], &byte, 1);
}

static void in_receive(void)
{
    char byte;

    recv(pair[0], &byte, 1, 0);
}

static void in_poll(void)
{
    struct pollfd watched = {.fd = empty_pipe[0], .events = POLLIN};

    poll(&watched, 1, -1);
}

static void in_select(void)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    select(pair[0] + 1, &set, NULL, NULL, NULL);
}

static void in_epoll(void)
{
    struct epoll_event event;

    epoll_wait(empty_epoll, &event, 1, -1);
}

static void in_sleep(void)
{
    sleep_ms(100000);
}

static void in_semaphore(void)
{
    sem_wait(&semaphore);
}

/* For ever: the thread has it. */
static void in_mutex(void)
{
    pthread_mutex_lock(&taken);
}

static void in_suspend(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigsuspend(&none);
}

static void in_pause(void)
{
    pause();
}

static void (*const waits[])(void) = {in_read,  in_receive,   in_poll,  in_select,  in_epoll,
                                      in_sleep, in_semaphore, in_mutex, in_suspend, in_pause};

static void jumps_leave_waits(void)
{
    void (*const handlers[])(int) = {jump, wait_and_jump};
    volatile int jumps = 0;
    volatile size_t i, k;

    for (i = 0; i < sizeof waits / sizeof *waits; i++) {
        for (k = 0; k < 2; k++) {
            if (sigsetjmp(outside, 1) == 0) {
                ring(handlers[k], 0);
                waits[i]();
                CHECK(!"jumped");
            }
            jumps++;
            sleep_ms(1); /* a wait after one that never came back */
        }
    }
    CHECK(jumps == 2 * sizeof waits / sizeof *waits);
}

/* ---- The rest of a wait after a signal. ---- */

static volatile sig_atomic_t rung;

static void note(int signal)
{
    (void)signal;
    rung++;
}

static void write_late(int signal)
{
    (void)signal;
    sleep_ms(3);
    (void)!write(empty_pipe[1], "x", 1);
}

static void calls_are_restarted_or_not(void)
{
    char byte = 0;

    ring(write_late, SA_RESTART);
    CHECK(read(empty_pipe[0], &byte, 1) == 1 && byte == 'x');
    ring(note, 0);
    CHECK(read(empty_pipe[0], &byte, 1) == -1 && errno == EINTR && rung == 1);
    ring(note, SA_RESTART);
    CHECK(poll(NULL, 0, -1) == -1 && errno == EINTR && rung == 2);
}

/* ---- Masks. ---- */

static void check_mask(const sigset_t *expected)
{
    sigset_t now;

    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    for (int signal = 1; signal < SIGRTMIN; signal++)
        CHECK(sigismember(&now, signal) == sigismember(expected, signal));
}

static void *check_in_thread(void *expected)
{
    check_mask(expected);
    sleep_ms(1);
    check_mask(expected);
    return expected;
}

static void masks_are_kept(void)
{
    sigset_t mask, old;
    pthread_t thread;
    int status;

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGALRM);
    CHECK(pthread_sigmask(SIG_SETMASK, &mask, &old) == 0);
    sleep_ms(1);
    check_mask(&mask);
    CHECK(pthread_create(&thread, NULL, check_in_thread, &mask) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        check_in_thread(&mask);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    child = vfork();
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    check_mask(&mask);
    CHECK(system("true") == 0);
    check_mask(&mask);
    CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
}

/* ---- A handler in the midst of everything. ---- */

static volatile sig_atomic_t ticks;

static void work(int signal)
{
    char byte = 'y';
    int saved_errno = errno;

    (void)signal;
    ticks++;
    if (write(pair[0], &byte, 1) != 1 || read(pair[1], &byte, 1) != 1 || byte != 'y')
        abort();
    errno = saved_errno;
}

/* It interrupts hooks at any place, also where they write an event or walk the stack. */
static void handlers_work_at_any_moment(void)
{
    struct sigaction action = {.sa_handler = work, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    char byte;

    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &often, NULL) == 0);
    while (ticks < 400) {
        errno = 77;
        CHECK(write(empty_pipe[1], "z", 1) == 1 && errno == 77);
        CHECK(read(empty_pipe[0], &byte, 1) == 1 && byte == 'z' && errno == 77);
    }
    CHECK(timer_delete(timer) == 0);
}

int main(void)
{
    CHECK(pipe(empty_pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK((empty_epoll = epoll_create1(0)) >= 0 && sem_init(&semaphore, 0, 0) == 0);
    CHECK(pthread_mutex_lock(&taken) == 0);
    masks_are_kept();
    calls_are_restarted_or_not();
    handlers_work_at_any_moment();
    for (int i = 0; i < TURNS; i++)
        jumps_leave_waits();
    printf("behaves\n");
    return 0;
}
