/*
 * A thread is cancelled inside each call that may block and is a cancellation point: each must end
 * then and there, and its cleanup handler must run. It checks that, and prints as JSON for each
 * call which operation it is, in which thread, and how long the thread lived.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKED_MS = 30, PATIENCE_S = 10, DEADLINE_S = 100 };

#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "%s:%d: %s: %m\n", call_name, __LINE__, #condition); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

static const char *call_name = "set-up"; /* what is being cancelled */

/* ---- What to block on. ---- */

static int empty_pipe[2], full_pipe[2];
static int idle_socket[2], full_socket[2];
static int listener, connecting;
static int empty_epoll, locked_file;
static int queue_id, full_queue_id;
static mqd_t empty_mq, full_mq;
static pid_t child;
static pthread_t sleeper;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static sem_t semaphore;
static FILE *empty_stream;
static sigset_t signals;
static char fifo[] = "/tmp/cancelled-XXXXXX";
static struct sockaddr_un busy_address = {.sun_family = AF_UNIX};
static socklen_t busy_size = sizeof busy_address;

static struct pollfd idle_poll = {.events = POLLIN};
static struct epoll_event event;
static struct flock whole_file = {.l_type = F_WRLCK};
static siginfo_t info;
static int number;
static char byte;
static struct iovec part = {&byte, 1};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static struct mmsghdr messages[1];
static struct {
    long type;
    char text[1];
} ipc_message = {1, ""};

/* A moment that does not come. */
static const struct timespec *late(clockid_t clock)
{
    static _Thread_local struct timespec time;

    clock_gettime(clock, &time);
    time.tv_sec += DEADLINE_S;
    return &time;
}

static const struct timespec for_long = {DEADLINE_S, 0};

static void fill(int fd)
{
    char block[4096] = "";

    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    while (write(fd, block, 1) > 0)
        ;
    CHECK(fcntl(fd, F_SETFL, 0) == 0);
}

static void *sleep_on(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* With a name that the kernel chooses. */
static int listen_on_unix(struct sockaddr_un *address, socklen_t *size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK(bind(fd, (void *)address, sizeof(sa_family_t)) == 0);
    CHECK(listen(fd, 0) == 0 && getsockname(fd, (void *)address, size) == 0);
    return fd;
}

static void tear_down(void)
{
    kill(child, SIGKILL);
    unlink(fifo);
    msgctl(queue_id, IPC_RMID, NULL);
    msgctl(full_queue_id, IPC_RMID, NULL);
}

static void lock_in_a_child(void)
{
    int ready[2];
    char path[] = "/tmp/cancelled-lock-XXXXXX";

    CHECK((locked_file = mkstemp(path)) >= 0 && unlink(path) == 0 && pipe(ready) == 0);
    CHECK((child = fork()) >= 0);
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK};
        _exit(fcntl(locked_file, F_SETLK, &lock) != 0 || write(ready[1], "x", 1) != 1 || pause());
    }
    CHECK(read(ready[0], &byte, 1) == 1);
}

static void set_up(void)
{
    char mq_name[32];
    struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 1};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    CHECK(pipe(empty_pipe) == 0 && pipe(full_pipe) == 0);
    fill(full_pipe[1]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, idle_socket) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, full_socket) == 0);
    fill(full_socket[0]);
    messages[0].msg_hdr = message;
    listener = listen_on_unix(&address, &(socklen_t){sizeof address});
    listen_on_unix(&busy_address, &busy_size);
    CHECK((connecting = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
    CHECK(connect(connecting, (void *)&busy_address, busy_size) == 0);
    CHECK((connecting = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
    idle_poll.fd = idle_socket[0];
    CHECK((empty_epoll = epoll_create1(0)) >= 0);
    CHECK((queue_id = msgget(IPC_PRIVATE, 0600)) >= 0);
    CHECK((full_queue_id = msgget(IPC_PRIVATE, 0600)) >= 0);
    while (msgsnd(full_queue_id, &ipc_message, 1, IPC_NOWAIT) == 0)
        ;
    snprintf(mq_name, sizeof mq_name, "/cancelled-%d", (int)getpid());
    CHECK((empty_mq = mq_open(mq_name, O_RDWR | O_CREAT | O_EXCL, 0600, &one)) != (mqd_t)-1);
    CHECK(mq_unlink(mq_name) == 0);
    CHECK((full_mq = mq_open(mq_name, O_RDWR | O_CREAT | O_EXCL, 0600, &one)) != (mqd_t)-1);
    CHECK(mq_unlink(mq_name) == 0 && mq_send(full_mq, "x", 1, 0) == 0);
    lock_in_a_child();
    CHECK(pthread_create(&sleeper, NULL, sleep_on, NULL) == 0);
    sem_init(&semaphore, 0, 0);
    mtx_init(&c11_mutex, mtx_plain);
    cnd_init(&c11_condition);
    CHECK((empty_stream = fdopen(empty_pipe[0], "r")) != NULL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    CHECK(mkdtemp(fifo) != NULL && rmdir(fifo) == 0 && mkfifo(fifo, 0600) == 0);
    atexit(tear_down);
}
/* ---- The calls. ---- */

static atomic_int cleanups;

static void lock_no(void)
{
}

static void unlock_no(void *unused)
{
    (void)unused;
    cleanups++;
}

static void lock_posix(void)
{
    pthread_mutex_lock(&mutex);
}

/* The condition has taken it again. */
static void unlock_posix(void *unused)
{
    (void)unused;
    cleanups += pthread_mutex_unlock(&mutex) == 0;
}

static void lock_c11(void)
{
    mtx_lock(&c11_mutex);
}

static void unlock_c11(void *unused)
{
    (void)unused;
    cleanups += mtx_unlock(&c11_mutex) == thrd_success;
}

static int select_on(int fd, int is_masked)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(fd, &set);
    return is_masked ? pselect(fd + 1, &set, NULL, NULL, NULL, NULL)
                     : select(fd + 1, &set, NULL, NULL, NULL);
}

static int sleep_on_c11(void *unused)
{
    (void)unused;
    for (;;)
        thrd_sleep(&for_long, NULL);
    return 0;
}

static int join_c11(void)
{
    thrd_t thread;

    CHECK(thrd_create(&thread, sleep_on_c11, NULL) == thrd_success);
    return thrd_join(thread, NULL);
}

static ssize_t get_a_line(void)
{
    char *line = NULL;
    size_t size = 0;

    return getline(&line, &size, empty_stream);
}

#define BUSY (void *)&busy_address, busy_size

/* Name, operation, the lock that is held, the call. */
#define CALLS(CALL)                                                                              \
    CALL(read, "read", no, read(empty_pipe[0], &byte, 1))                                        \
    CALL(readv, "readv", no, readv(empty_pipe[0], &part, 1))                                     \
    CALL(preadv2, "preadv", no, preadv2(empty_pipe[0], &part, 1, -1, 0))                         \
    CALL(write, "write", no, write(full_pipe[1], &byte, 1))                                      \
    CALL(writev, "writev", no, writev(full_pipe[1], &part, 1))                                   \
    CALL(pwritev2, "pwritev", no, pwritev2(full_pipe[1], &part, 1, -1, 0))                       \
    CALL(splice, "splice", no, splice(empty_pipe[0], NULL, full_pipe[1], NULL, 1, 0))            \
    CALL(open, "open", no, open(fifo, O_RDONLY))                                                 \
    CALL(openat, "open", no, openat(AT_FDCWD, fifo, O_WRONLY))                                   \
    CALL(creat, "open", no, creat(fifo, 0600))                                                   \
    CALL(fcntl, "fcntl", no, fcntl(locked_file, F_SETLKW, &whole_file))                          \
    CALL(lockf, "fcntl", no, lockf(locked_file, F_LOCK, 0))                                      \
    CALL(fgetc, "fgetc", no, fgetc(empty_stream))                                                \
    CALL(getline, "getline", no, get_a_line())                                                   \
    CALL(recv, "recv", no, recv(idle_socket[0], &byte, 1, 0))                                    \
    CALL(recvfrom, "recvfrom", no, recvfrom(idle_socket[0], &byte, 1, 0, NULL, NULL))            \
    CALL(recvmsg, "recvmsg", no, recvmsg(idle_socket[0], &message, 0))                           \
    CALL(recvmmsg, "recvmmsg", no, recvmmsg(idle_socket[0], messages, 1, 0, NULL))               \
    CALL(send, "send", no, send(full_socket[0], &byte, 1, 0))                                    \
    CALL(sendto, "sendto", no, sendto(full_socket[0], &byte, 1, 0, NULL, 0))                     \
    CALL(sendmsg, "sendmsg", no, sendmsg(full_socket[0], &message, 0))                           \
    CALL(sendmmsg, "sendmmsg", no, sendmmsg(full_socket[0], messages, 1, 0))                     \
    CALL(accept, "accept", no, accept(listener, NULL, NULL))                                     \
    CALL(accept4, "accept", no, accept4(listener, NULL, NULL, SOCK_CLOEXEC))                     \
    CALL(connect, "connect", no, connect(connecting, BUSY))                                      \
    CALL(poll, "poll", no, poll(&idle_poll, 1, -1))                                              \
    CALL(ppoll, "poll", no, ppoll(&idle_poll, 1, NULL, NULL))                                    \
    CALL(select, "select", no, select_on(empty_pipe[0], 0))                                      \
    CALL(pselect, "select", no, select_on(empty_pipe[0], 1))                                     \
    CALL(epoll_wait, "epoll_wait", no, epoll_wait(empty_epoll, &event, 1, -1))                   \
    CALL(epoll_pwait, "epoll_wait", no, epoll_pwait(empty_epoll, &event, 1, -1, NULL))           \
    CALL(epoll_pwait2, "epoll_wait", no, epoll_pwait2(empty_epoll, &event, 1, NULL, NULL))       \
    CALL(msgrcv, "msgrcv", no, msgrcv(queue_id, &ipc_message, 1, 0, 0))                          \
    CALL(msgsnd, "msgsnd", no, msgsnd(full_queue_id, &ipc_message, 1, 0))                        \
    CALL(mq_receive, "mq_receive", no, mq_receive(empty_mq, &byte, 1, NULL))                     \
    CALL(mq_timedreceive, "mq_receive", no,                                                      \
         mq_timedreceive(empty_mq, &byte, 1, NULL, late(CLOCK_REALTIME)))                        \
    CALL(mq_send, "mq_send", no, mq_send(full_mq, &byte, 1, 0))                                  \
    CALL(mq_timedsend, "mq_send", no, mq_timedsend(full_mq, &byte, 1, 0, late(CLOCK_REALTIME)))  \
    CALL(cond_wait, "pthread_cond_wait", posix, pthread_cond_wait(&condition, &mutex))           \
    CALL(cond_timedwait, "pthread_cond_timedwait", posix,                                        \
         pthread_cond_timedwait(&condition, &mutex, late(CLOCK_REALTIME)))                       \
    CALL(cond_clockwait, "pthread_cond_timedwait", posix,                                        \
         pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, late(CLOCK_MONOTONIC)))     \
    CALL(cnd_wait, "pthread_cond_wait", c11, cnd_wait(&c11_condition, &c11_mutex))               \
    CALL(cnd_timedwait, "pthread_cond_timedwait", c11,                                           \
         cnd_timedwait(&c11_condition, &c11_mutex, late(CLOCK_REALTIME)))                        \
    CALL(sem_wait, "sem_wait", no, sem_wait(&semaphore))                                         \
    CALL(sem_timedwait, "sem_timedwait", no, sem_timedwait(&semaphore, late(CLOCK_REALTIME)))    \
    CALL(sem_clockwait, "sem_timedwait", no,                                                     \
         sem_clockwait(&semaphore, CLOCK_MONOTONIC, late(CLOCK_MONOTONIC)))                      \
    CALL(pthread_join, "pthread_join", no, pthread_join(sleeper, NULL))                          \
    CALL(pthread_timedjoin, "pthread_join", no,                                                  \
         pthread_timedjoin_np(sleeper, NULL, late(CLOCK_REALTIME)))                              \
    CALL(pthread_clockjoin, "pthread_join", no,                                                  \
         pthread_clockjoin_np(sleeper, NULL, CLOCK_MONOTONIC, late(CLOCK_MONOTONIC)))            \
    CALL(thrd_join, "pthread_join", no, join_c11())                                              \
    CALL(nanosleep, "nanosleep", no, nanosleep(&for_long, NULL))                                 \
    CALL(clock_nanosleep, "nanosleep", no, clock_nanosleep(CLOCK_MONOTONIC, 0, &for_long, NULL)) \
    CALL(usleep, "nanosleep", no, usleep(DEADLINE_S * 1000000u))                                 \
    CALL(sleep, "nanosleep", no, sleep(DEADLINE_S))                                              \
    CALL(thrd_sleep, "nanosleep", no, thrd_sleep(&for_long, NULL))                               \
    CALL(pause, "pause", no, pause())                                                            \
    CALL(sigsuspend, "sigsuspend", no, sigsuspend(&signals))                                     \
    CALL(sigwait, "sigwait", no, sigwait(&signals, &number))                                     \
    CALL(sigwaitinfo, "sigwait", no, sigwaitinfo(&signals, &info))                               \
    CALL(sigtimedwait, "sigwait", no, sigtimedwait(&signals, &info, &for_long))                  \
    CALL(wait, "waitpid", no, wait(NULL))                                                        \
    CALL(waitpid, "waitpid", no, waitpid(child, NULL, 0))                                        \
    CALL(wait4, "waitpid", no, wait4(child, NULL, 0, NULL))                                      \
    CALL(waitid, "waitpid", no, waitid(P_PID, (id_t)child, &info, WEXITED))                      \
    CALL(system, "system", no, system("exec sleep 100"))

/* What its thread does. */
#define BODY(name, operation, lock, call)               \
    static void *in_##name(void *tid)                   \
    {                                                   \
        lock_##lock();                                  \
        pthread_cleanup_push(unlock_##lock, NULL);      \
        atomic_store((atomic_int *)tid, (int)gettid()); \
        (void)!(call);                                  \
        pthread_cleanup_pop(0);                         \
        return NULL;                                    \
    }

CALLS(BODY)

#define ROW(name, operation, lock, call) {#name, operation, in_##name},
static const struct {
    const char *name;
    const char *operation;
    void *(*body)(void *tid);
} calls[] = {CALLS(ROW)};

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static unsigned long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec;
}

int main(void)
{
    set_up();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        atomic_int tid = 0;
        pthread_t thread;
        void *result;
        struct timespec deadline;

        call_name = calls[i].name;
        cleanups = 0;
        unsigned long long begin_ns = now_ns();
        CHECK(pthread_create(&thread, NULL, calls[i].body, &tid) == 0);
        while (tid == 0)
            sleep_ms(1);
        sleep_ms(BLOCKED_MS);
        CHECK(pthread_cancel(thread) == 0);
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += PATIENCE_S;
        CHECK(pthread_timedjoin_np(thread, &result, &deadline) == 0);
        CHECK(result == PTHREAD_CANCELED && cleanups == 1);
        printf("%s{\"call\": \"%s\", \"op\": \"%s\", \"tid\": %d, \"lived_ns\": %llu}",
               i == 0 ? "[" : ",\n ", calls[i].name, calls[i].operation, tid, now_ns() - begin_ns);
    }
    printf("]\n");
    return 0;
}
