/*
 * What a program may rely on with and without ctrace: it checks itself and exits 0. Each part is
 * a rule that an interposed library breaks easily.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

extern char **environ;

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* ---- errno ---- */

static void errno_is_the_calls_own(void)
{
    char byte = 0;
    int fds[2];
    sem_t semaphore;

    errno = 77;
    int fd = open("/dev/null", O_RDWR);
    CHECK(fd >= 0 && errno == 77);
    CHECK(write(fd, &byte, 1) == 1 && errno == 77);
    CHECK(read(fd, &byte, 1) == 0 && errno == 77);
    CHECK(close(fd) == 0 && errno == 77);
    CHECK(read(fd, &byte, 1) == -1 && errno == EBADF);
    CHECK(open("/does/not/exist", O_RDONLY) == -1 && errno == ENOENT);
    errno = 77;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(recv(fds[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    errno = 77;
    CHECK(send(fds[1], &byte, 1, 0) == 1 && errno == 77);
    struct pollfd watched = {.fd = fds[0], .events = POLLIN};
    CHECK(poll(&watched, 1, 20) == 1 && errno == 77);
    CHECK(recv(fds[0], &byte, 1, 0) == 1 && errno == 77);
    CHECK(poll(&watched, 1, 20) == 0 && errno == 77); /* recorded: 20 ms */
    sleep_ms(1);
    CHECK(errno == 77);
    CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
    errno = 77;
    CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_wait(&semaphore) == 0 && errno == 77);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    CHECK(sem_timedwait(&semaphore, &soon) == -1 && errno == ETIMEDOUT);
    close(fds[0]);
    close(fds[1]);
}

static void bad_arguments_are_refused(void)
{
    static void *volatile no_memory = (void *)8;
    struct timespec no_time = {0, -1};
    sem_t semaphore;

    CHECK(pipe(no_memory) == -1 && errno == EFAULT);
    CHECK(pipe2(no_memory, O_CLOEXEC) == -1 && errno == EFAULT);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, no_memory) == -1 && errno == EFAULT);
    CHECK(poll(no_memory, 1, 0) == -1 && errno == EFAULT);
    CHECK(select(1, no_memory, NULL, NULL, NULL) == -1 && errno == EFAULT);
    CHECK(sem_init(&semaphore, 0, 1) == 0);
    CHECK(sem_timedwait(&semaphore, &no_time) == -1 && errno == EINVAL);
    errno = EINTR;
    sleep_ms(1);
    CHECK(errno == EINTR);
}

/* ---- Locks keep their errors. ---- */

static void *lock_in_vain(void *argument)
{
    pthread_mutex_t *mutex = argument;
    struct timespec soon;

    clock_gettime(CLOCK_REALTIME, &soon);
    errno = 77;
    CHECK(pthread_mutex_timedlock(mutex, &soon) == ETIMEDOUT && errno == 77);
    CHECK(pthread_mutex_unlock(mutex) == EPERM && errno == 77);
    return NULL;
}

static void locks_report_what_they_did(void)
{
    pthread_mutex_t mutex;
    pthread_mutexattr_t attributes;
    pthread_t thread;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attributes);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(pthread_create(&thread, NULL, lock_in_vain, &mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&mutex, &attributes);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
}

/* ---- Cancellation ends each kind of wait, and cleanup handlers run. ---- */

static pthread_mutex_t cancel_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cancel_condition = PTHREAD_COND_INITIALIZER;
static sem_t cancel_semaphore;
static int cancel_pipe[2];
static _Atomic int cleanups;

static void clean_up(void *mutex)
{
    cleanups++;
    if (mutex != NULL)
        pthread_mutex_unlock(mutex);
}

#define BLOCKED_IN(name, mutex, call)          \
    static void *name(void *unused)            \
    {                                          \
        if ((mutex) != NULL)                   \
            pthread_mutex_lock(mutex);         \
        pthread_cleanup_push(clean_up, mutex); \
        for (;;)                               \
            call;                              \
        pthread_cleanup_pop(0);                \
        return unused;                         \
    }

static pthread_mutex_t *const no_mutex;
BLOCKED_IN(in_read, no_mutex, (void)!read(cancel_pipe[0], &(char){0}, 1))
BLOCKED_IN(in_sleep, no_mutex, sleep_ms(10000))
BLOCKED_IN(in_semaphore, no_mutex, sem_wait(&cancel_semaphore))
BLOCKED_IN(in_poll, no_mutex, poll(NULL, 0, 10000))
BLOCKED_IN(in_condition, &cancel_mutex, pthread_cond_wait(&cancel_condition, &cancel_mutex))

static void cancellation_ends_waits(void)
{
    void *(*const bodies[])(void *) = {in_read, in_sleep, in_semaphore, in_poll, in_condition};
    const int count = sizeof(bodies) / sizeof(bodies[0]);

    CHECK(pipe(cancel_pipe) == 0);
    sem_init(&cancel_semaphore, 0, 0);
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, bodies[i], NULL) == 0);
        sleep_ms(5);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    CHECK(cleanups == count);
    CHECK(pthread_mutex_lock(&cancel_mutex) == 0 && pthread_mutex_unlock(&cancel_mutex) == 0);
}

/* ---- Signals ---- */

static sigjmp_buf out_of_wait;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(out_of_wait, 1);
}

static void wait_in_handler(int signal)
{
    (void)signal;
    sleep_ms(15);
}

static void ring_in_10_ms(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    struct timespec time = {0, 10000000};
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};

    sigaction(SIGUSR1, &action, NULL);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &(struct itimerspec){.it_value = time}, NULL) == 0);
}

static void signals_interrupt_waits(void)
{
    struct timespec time = {10, 0}, rest = {0, 0};

    ring_in_10_ms(wait_in_handler);
    CHECK(nanosleep(&time, &rest) == -1 && errno == EINTR && rest.tv_sec == 9);
    ring_in_10_ms(jump);
    if (sigsetjmp(out_of_wait, 1) == 0) {
        sleep_ms(10000);
        CHECK(!"jumped");
    }
    sleep_ms(1); /* hooks still work */
}

/* ---- Processes ---- */

/* What runs in a child, by the deadline; its exit status. */
static int status_of(void (*body)(void))
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        body();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void *sleep_a_little(void *unused)
{
    sleep_ms(5);
    return unused;
}

static void leave_main_thread(void)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, sleep_a_little, NULL) == 0);
    pthread_exit(NULL);
}

static void *fork_and_return(void *result)
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        return NULL; /* of the child's only thread */
    }
    CHECK(waitpid(child, &status, 0) == child);
    *(int *)result = status;
    return NULL;
}

static void last_thread_ends_the_process(void)
{
    pthread_t thread;
    int status = -1;

    CHECK(status_of(leave_main_thread) == 0);
    CHECK(pthread_create(&thread, NULL, fork_and_return, &status) == 0);
    CHECK(pthread_join(thread, NULL) == 0 && status == 0);
}

static void *keep_waiting(void *unused)
{
    sleep_ms(100000);
    return unused;
}

static void children_run(void)
{
    pthread_t thread;
    int status;
    pid_t child;
    char *const argv[] = {"true", NULL};
    char *const no_environment[] = {NULL};

    CHECK(pthread_create(&thread, NULL, keep_waiting, NULL) == 0);
    CHECK((child = fork()) >= 0);
    if (child == 0) {
        sleep_ms(2);
        pthread_t own;
        CHECK(pthread_create(&own, NULL, in_poll, NULL) == 0);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    CHECK((child = vfork()) >= 0);
    if (child == 0) {
        execve("/bin/true", argv, no_environment);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(posix_spawnp(&child, "true", NULL, NULL, argv, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(execl("/does/not/exist", "nothing", (char *)NULL) == -1 && errno == ENOENT);
    CHECK(system("exit 7") == 7 << 8);
}

/* A recording's session that is gone: a daemon may outlive it. */
static void run_without_session(void)
{
    char *const argv[] = {"sh", "-c", "/bin/true && /bin/true", NULL};

    CHECK(setenv("CTRACE_SESSION", "/does/not/exist", 1) == 0);
    execv("/bin/sh", argv);
}

static void raw_fork(void)
{
    int status;
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    CHECK(child >= 0);
    if (child == 0) {
        sleep_ms(1);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
}

/* ---- Descriptors ---- */

#define MAX_DESCRIPTORS 2048
#define FEW_DESCRIPTORS 256

static int count_descriptors(int first)
{
    int count = 0;

    for (int fd = first; fd < MAX_DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void go_on(void)
{
    char byte;
    int fds[2];

    CHECK(pipe(fds) == 0 && fds[0] == 3 && fds[1] == 4);
    CHECK(write(fds[1], "x", 1) == 1);
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
    sleep_ms(1);
    CHECK(count_descriptors(5) == 0);
}

static void close_in_a_loop(void)
{
    for (int fd = 3; fd < MAX_DESCRIPTORS; fd++)
        close(fd);
    go_on();
}

/* Who looks through all descriptors that there can be finds its own, as long as there is room. */
static void look_through_all(void)
{
    struct rlimit limit;

    for (int fd = 3; fd < MAX_DESCRIPTORS; fd++)
        close(fd);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == FEW_DESCRIPTORS);
    for (int fd = 3; fd < FEW_DESCRIPTORS; fd++)
        CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
}

/* In an image that began with that limit, as one that a shell's ulimit made. */
static void start_with_few_descriptors(void)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_max < MAX_DESCRIPTORS)
        return;
    limit.rlim_cur = FEW_DESCRIPTORS;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    execl("/proc/self/exe", "behaviour", "look_through_all", (char *)NULL);
    CHECK(!"reached");
}

static void close_a_range(void)
{
    CHECK(close_range(3, ~0u, 0) == 0);
    go_on();
    CHECK(close_range(3, 4, 0) == 0);
    CHECK(close_range(4, 3, 0) == -1 && errno == EINVAL);
}

static void close_the_rest(void)
{
    closefrom(3);
    go_on();
}

/* From a stack over many pages, which an unwinder may want to be sure of. */
static __attribute__((noinline)) ssize_t write_from_deep(int fd, int depth)
{
    volatile char page[4096];

    page[0] = 'x';
    ssize_t size = depth > 0 ? write_from_deep(fd, depth - 1) : write(fd, "x", 1);
    return page[0] == 'x' ? size : -1;
}

/* As posix_spawn in other libraries: the child of vfork closes, fails to exec, and says so. */
static void close_after_vfork(void)
{
    char *const argv[] = {"nothing", NULL};
    char byte;
    int status;
    int fds[2];

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            close_range((unsigned)fds[1] + 1, ~0u, 0);
            execv("/does/not/exist", argv);
            _exit(write_from_deep(fds[1], 8) == 1 ? 3 : 4);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
        CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
    }
}

/* The kernel lets only a process with one thread do this. */
static void enter_a_namespace(void)
{
    if (unshare(CLONE_NEWUSER) != 0)
        CHECK(errno == EPERM || errno == ENOSPC); /* not allowed here, recorded or not */
}

static void descriptors_are_the_programs(void)
{
    CHECK(status_of(enter_a_namespace) == 0);
    /* What it was given is not closed by exec: others are not its own. */
    for (int fd = 3; fd < 100; fd++) {
        int flags = fcntl(fd, F_GETFD);
        CHECK(flags == -1 || !(flags & FD_CLOEXEC));
    }
    CHECK(status_of(close_in_a_loop) == 0);
    CHECK(status_of(start_with_few_descriptors) == 0);
    CHECK(status_of(close_a_range) == 0);
    CHECK(status_of(close_the_rest) == 0);
    CHECK(status_of(close_after_vfork) == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "look_through_all") == 0) {
        look_through_all();
        return 0;
    }
    descriptors_are_the_programs(); /* first: while it has none */
    errno_is_the_calls_own();
    bad_arguments_are_refused();
    locks_report_what_they_did();
    cancellation_ends_waits();
    signals_interrupt_waits();
    children_run();
    last_thread_ends_the_process();
    CHECK(status_of(run_without_session) == 0);
    CHECK(status_of(raw_fork) == 0);
    printf("behaves\n");
    return 0; /* with a thread still waiting */
}
