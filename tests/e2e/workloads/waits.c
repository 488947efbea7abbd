/* Waits that know the answer: mutexes, conditions, semaphores, descriptors, sleep. */
#include "scenario.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- locks, conditions, semaphores, threads ---- */

struct held_lock {
    pthread_mutex_t mutex;
    sem_t is_held;
};

static void *hold_lock(void *data)
{
    struct held_lock *lock = data;

    pthread_mutex_lock(&lock->mutex);
    sem_post(&lock->is_held);
    sleep_ms(WAIT_MS);
    pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

static void run_on_held_lock(struct scenario *scenario, int is_timed)
{
    struct held_lock lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};

    sem_init(&lock.is_held, 0, 0);
    for (int i = 0; i < REPEATS; i++) {
        struct timespec deadline = realtime_in_ms(60000);
        pthread_t holder;

        pthread_create(&holder, NULL, hold_lock, &lock);
        sem_wait(&lock.is_held);
        if (is_timed)
            MEASURED(scenario, pthread_mutex_timedlock(&lock.mutex, &deadline) == 0);
        else
            MEASURED(scenario, pthread_mutex_lock(&lock.mutex) == 0);
        pthread_mutex_unlock(&lock.mutex);
        pthread_join(holder, NULL);
    }
}

static void run_mutex(struct scenario *scenario)
{
    run_on_held_lock(scenario, 0);
}

static void run_timedlock(struct scenario *scenario)
{
    run_on_held_lock(scenario, 1);
}

struct signalled {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int is_set;
};

static void signal_cond(void *data)
{
    struct signalled *signalled = data;

    pthread_mutex_lock(&signalled->mutex);
    signalled->is_set = 1;
    pthread_cond_signal(&signalled->cond);
    pthread_mutex_unlock(&signalled->mutex);
}

static void run_cond(struct scenario *scenario)
{
    struct signalled signalled = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        pthread_mutex_lock(&signalled.mutex);
        signalled.is_set = 0;
        partner_start(&partner, signal_cond, &signalled);
        while (!signalled.is_set)
            MEASURED(scenario, pthread_cond_wait(&signalled.cond, &signalled.mutex) == 0);
        pthread_mutex_unlock(&signalled.mutex);
        partner_end(&partner);
    }
}

static void run_cond_timeout(struct scenario *scenario)
{
    struct signalled signalled = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

    pthread_mutex_lock(&signalled.mutex);
    for (int i = 0; i < REPEATS; i++) {
        struct timespec deadline = realtime_in_ms(WAIT_MS);

        MEASURED(scenario,
                 pthread_cond_timedwait(&signalled.cond, &signalled.mutex, &deadline) != 0);
    }
    pthread_mutex_unlock(&signalled.mutex);
}

static void post_semaphore(void *semaphore)
{
    sem_post(semaphore);
}

static void run_sem(struct scenario *scenario)
{
    sem_t semaphore;

    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, post_semaphore, &semaphore);
        MEASURED(scenario, sem_wait(&semaphore) == 0);
        partner_end(&partner);
    }
}

static void run_sem_timeout(struct scenario *scenario)
{
    sem_t semaphore;

    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < REPEATS; i++) {
        struct timespec deadline = realtime_in_ms(WAIT_MS);

        MEASURED(scenario, sem_timedwait(&semaphore, &deadline) == -1);
    }
}

static void do_nothing(void *unused)
{
    (void)unused;
}

static void run_join(struct scenario *scenario)
{
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, do_nothing, NULL);
        MEASURED(scenario, pthread_join(partner.thread, NULL) == 0);
    }
}

/* ---- descriptors ---- */

static void write_byte(void *fd)
{
    require(write(*(int *)fd, "x", 1) == 1, "write");
}

static void write_eventfd(void *fd)
{
    require(eventfd_write(*(int *)fd, 1) == 0, "eventfd_write");
}

enum receive {
    RECEIVE_READ,
    RECEIVE_READV,
    RECEIVE_RECV,
    RECEIVE_RECVFROM,
    RECEIVE_RECVMSG,
    RECEIVE_RECVMMSG
};

static int receive_byte(int fd, enum receive how)
{
    char byte[1];
    struct iovec iovec = {byte, 1};
    struct msghdr message = {.msg_iov = &iovec, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};

    switch (how) {
    case RECEIVE_READ:
        return read(fd, byte, 1) == 1;
    case RECEIVE_READV:
        return readv(fd, &iovec, 1) == 1;
    case RECEIVE_RECV:
        return recv(fd, byte, 1, 0) == 1;
    case RECEIVE_RECVFROM:
        return recvfrom(fd, byte, 1, 0, NULL, NULL) == 1;
    case RECEIVE_RECVMSG:
        return recvmsg(fd, &message, 0) == 1;
    case RECEIVE_RECVMMSG:
        return recvmmsg(fd, &messages, 1, 0, NULL) == 1;
    }
    return 0;
}

static void run_receive(struct scenario *scenario, int fd, int peer, enum receive how)
{
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        partner_start(&partner, write_byte, &peer);
        MEASURED(scenario, receive_byte(fd, how));
        partner_end(&partner);
    }
    close(fd);
    close(peer);
}

static void run_on_pipe(struct scenario *scenario, enum receive how)
{
    int ends[2];

    require(pipe(ends) == 0, "pipe");
    run_receive(scenario, ends[0], ends[1], how);
}

static void run_on_socket_pair(struct scenario *scenario, int type, enum receive how)
{
    int ends[2];

    require(socketpair(AF_UNIX, type, 0, ends) == 0, "socketpair");
    run_receive(scenario, ends[0], ends[1], how);
}

static void run_read_pipe(struct scenario *scenario)
{
    run_on_pipe(scenario, RECEIVE_READ);
}

static void run_readv_pipe(struct scenario *scenario)
{
    run_on_pipe(scenario, RECEIVE_READV);
}

static void run_recv(struct scenario *scenario)
{
    run_on_socket_pair(scenario, SOCK_STREAM, RECEIVE_RECV);
}

static void run_recvfrom(struct scenario *scenario)
{
    run_on_socket_pair(scenario, SOCK_DGRAM, RECEIVE_RECVFROM);
}

static void run_recvmsg(struct scenario *scenario)
{
    run_on_socket_pair(scenario, SOCK_STREAM, RECEIVE_RECVMSG);
}

static void run_recvmmsg(struct scenario *scenario)
{
    run_on_socket_pair(scenario, SOCK_DGRAM, RECEIVE_RECVMMSG);
}

static int tcp_listen(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    require(bind(listener, (struct sockaddr *)address, size) == 0, "bind");
    require(listen(listener, 8) == 0, "listen");
    require(getsockname(listener, (struct sockaddr *)address, &size) == 0, "getsockname");
    return listener;
}

static void connect_to(void *address)
{
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(connect(connection, address, sizeof(struct sockaddr_in)) == 0, "connect");
    close(connection);
}

static void run_read_socket(struct scenario *scenario)
{
    struct sockaddr_in address;
    int listener = tcp_listen(&address);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(connect(client, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    run_receive(scenario, client, accept(listener, NULL, NULL), RECEIVE_READ);
    close(listener);
}

static void run_accept(struct scenario *scenario)
{
    struct sockaddr_in address;
    int listener = tcp_listen(&address);

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        int connection = -1;

        partner_start(&partner, connect_to, &address);
        MEASURED(scenario, (connection = accept(listener, NULL, NULL)) >= 0);
        close(connection);
        partner_end(&partner);
    }
    close(listener);
}

static void accept_one(void *listener)
{
    close(accept(*(int *)listener, NULL, NULL));
}

/* A connect() to a unix socket whose queue is full waits for an accept(). */
static void run_connect(struct scenario *scenario)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* autobind: an abstract name */
    socklen_t size = sizeof(sa_family_t);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int queued = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(bind(listener, (struct sockaddr *)&address, size) == 0, "bind");
    require(listen(listener, 0) == 0, "listen");
    size = sizeof address;
    require(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    /* The queue holds one; from here on each accept lets one more in. It does not block. */
    require(connect(queued, (struct sockaddr *)&address, size) == 0, "connect");
    for (int i = 0; i < REPEATS; i++) {
        int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct partner partner;

        partner_start(&partner, accept_one, &listener);
        MEASURED(scenario, connect(client, (struct sockaddr *)&address, size) == 0);
        partner_end(&partner);
        close(client);
    }
    close(queued);
    close(listener);
}

static void drain(void *fd)
{
    static __thread char bytes[1 << 16];
    int flags = fcntl(*(int *)fd, F_GETFL);

    fcntl(*(int *)fd, F_SETFL, flags | O_NONBLOCK);
    while (read(*(int *)fd, bytes, sizeof bytes) > 0)
        ;
}

static void fill(int fd)
{
    static __thread char bytes[1 << 16];
    int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, bytes, sizeof bytes) > 0 || write(fd, bytes, 1) > 0)
        ;
    fcntl(fd, F_SETFL, flags);
}

enum send { SEND_WRITE, SEND_SEND, SEND_SENDMSG, SEND_SENDMMSG };

static int send_byte(int fd, enum send how)
{
    char byte[1] = "x";
    struct iovec iovec = {byte, 1};
    struct msghdr message = {.msg_iov = &iovec, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};

    switch (how) {
    case SEND_WRITE:
        return write(fd, byte, 1) == 1;
    case SEND_SEND:
        return send(fd, byte, 1, 0) == 1;
    case SEND_SENDMSG:
        return sendmsg(fd, &message, 0) == 1;
    case SEND_SENDMMSG:
        return sendmmsg(fd, &messages, 1, 0) == 1;
    }
    return 0;
}

static void run_until_drained(struct scenario *scenario, int fd, int peer, enum send how)
{
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;

        fill(fd);
        partner_start(&partner, drain, &peer);
        MEASURED(scenario, send_byte(fd, how));
        partner_end(&partner);
    }
    close(fd);
    close(peer);
}

static void run_write_pipe(struct scenario *scenario)
{
    int ends[2];

    require(pipe(ends) == 0, "pipe");
    run_until_drained(scenario, ends[1], ends[0], SEND_WRITE);
}

static void send_on_socket_pair(struct scenario *scenario, enum send how)
{
    int ends[2];

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    run_until_drained(scenario, ends[1], ends[0], how);
}

static void run_send(struct scenario *scenario)
{
    send_on_socket_pair(scenario, SEND_SEND);
}

static void run_sendmsg(struct scenario *scenario)
{
    send_on_socket_pair(scenario, SEND_SENDMSG);
}

static void run_sendmmsg(struct scenario *scenario)
{
    send_on_socket_pair(scenario, SEND_SENDMMSG);
}

static void run_eventfd(struct scenario *scenario)
{
    int fd = eventfd(0, EFD_CLOEXEC);

    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        uint64_t value;

        partner_start(&partner, write_eventfd, &fd);
        MEASURED(scenario, read(fd, &value, sizeof value) == sizeof value);
        partner_end(&partner);
    }
    close(fd);
}

static void run_timerfd(struct scenario *scenario)
{
    struct itimerspec in = {.it_value.tv_nsec = WAIT_MS * 1000000};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

    for (int i = 0; i < REPEATS; i++) {
        uint64_t value;

        timerfd_settime(fd, 0, &in, NULL);
        MEASURED(scenario, read(fd, &value, sizeof value) == sizeof value);
    }
    close(fd);
}

/* ---- waiting for several descriptors, or for none ---- */

static void run_poll_socket(struct scenario *scenario)
{
    int ends[2];
    struct pollfd watched = {.events = POLLIN};

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    watched.fd = ends[0];
    for (int i = 0; i < REPEATS; i++)
        MEASURED(scenario, poll(&watched, 1, WAIT_MS) == 0);
}

static void run_poll_pipe(struct scenario *scenario)
{
    int ends[2];
    struct pollfd watched = {.events = POLLIN};

    require(pipe(ends) == 0, "pipe");
    watched.fd = ends[0];
    for (int i = 0; i < REPEATS; i++)
        MEASURED(scenario, poll(&watched, 1, WAIT_MS) == 0);
}

static void run_poll_nothing(struct scenario *scenario)
{
    for (int i = 0; i < REPEATS; i++)
        MEASURED(scenario, poll(NULL, 0, WAIT_MS) == 0);
}

static void run_select_socket(struct scenario *scenario)
{
    int ends[2];

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    for (int i = 0; i < REPEATS; i++) {
        struct timeval timeout = {.tv_usec = WAIT_MS * 1000};
        fd_set watched;

        FD_ZERO(&watched);
        FD_SET(ends[0], &watched);
        MEASURED(scenario, select(ends[0] + 1, &watched, NULL, NULL, &timeout) == 0);
    }
}

static void run_epoll(struct scenario *scenario)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), ends[2];
    struct epoll_event event = {.events = EPOLLIN};

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    require(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
    for (int i = 0; i < REPEATS; i++)
        MEASURED(scenario, epoll_wait(epoll, &event, 1, WAIT_MS) == 0);
}

/* ---- the rest ---- */

static void run_nanosleep(struct scenario *scenario)
{
    struct timespec time = {.tv_nsec = WAIT_MS * 1000000};

    for (int i = 0; i < REPEATS; i++)
        MEASURED(scenario, nanosleep(&time, NULL) == 0);
}

static void run_waitpid(struct scenario *scenario)
{
    for (int i = 0; i < REPEATS; i++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            sleep_ms(WAIT_MS);
            _exit(0);
        }
        MEASURED(scenario, waitpid(child, &status, 0) == child);
    }
}

static void open_for_write(void *path)
{
    close(open(path, O_WRONLY | O_CLOEXEC));
}

/* Opening a fifo waits for its other end. */
static void run_open(struct scenario *scenario)
{
    char path[] = "/tmp/ctrace-waits-XXXXXX";

    require(mkdtemp(path) != NULL, "mkdtemp");
    require(rmdir(path) == 0 && mkfifo(path, 0600) == 0, "mkfifo");
    for (int i = 0; i < REPEATS; i++) {
        struct partner partner;
        int fd = -1;

        partner_start(&partner, open_for_write, path);
        MEASURED(scenario, (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
        partner_end(&partner);
        close(fd);
    }
    unlink(path);
}

static struct scenario scenarios[] = {
    {.name = "mutex", .is_woken = 1, .op = "pthread_mutex_lock", .class = "sync", .run = run_mutex},
    {.name = "timedlock",
     .is_woken = 1,
     .op = "pthread_mutex_timedlock",
     .class = "sync",
     .run = run_timedlock},
    {.name = "cond", .is_woken = 1, .op = "pthread_cond_wait", .class = "sync", .run = run_cond},
    {.name = "cond-timeout",
     .op = "pthread_cond_timedwait",
     .class = "sync",
     .run = run_cond_timeout},
    {.name = "sem", .is_woken = 1, .op = "sem_wait", .class = "sync", .run = run_sem},
    {.name = "sem-timeout", .op = "sem_timedwait", .class = "sync", .run = run_sem_timeout},
    {.name = "join", .is_woken = 1, .op = "pthread_join", .class = "sync", .run = run_join},
    {.name = "read-pipe", .is_woken = 1, .op = "read", .class = "syscall", .run = run_read_pipe},
    {.name = "readv-pipe", .is_woken = 1, .op = "readv", .class = "syscall", .run = run_readv_pipe},
    {.name = "write-pipe", .op = "write", .class = "syscall", .run = run_write_pipe},
    {.name = "read-socket", .op = "read", .class = "net", .run = run_read_socket},
    {.name = "recv", .is_woken = 1, .op = "recv", .class = "net", .run = run_recv},
    {.name = "recvfrom", .is_woken = 1, .op = "recvfrom", .class = "net", .run = run_recvfrom},
    {.name = "recvmsg", .is_woken = 1, .op = "recvmsg", .class = "net", .run = run_recvmsg},
    {.name = "recvmmsg", .is_woken = 1, .op = "recvmmsg", .class = "net", .run = run_recvmmsg},
    {.name = "send", .op = "send", .class = "net", .run = run_send},
    {.name = "sendmsg", .op = "sendmsg", .class = "net", .run = run_sendmsg},
    {.name = "sendmmsg", .op = "sendmmsg", .class = "net", .run = run_sendmmsg},
    {.name = "accept", .op = "accept", .class = "net", .run = run_accept},
    {.name = "connect", .op = "connect", .class = "net", .run = run_connect},
    {.name = "eventfd", .is_woken = 1, .op = "read", .class = "sync", .run = run_eventfd},
    {.name = "timerfd", .op = "read", .class = "sleep", .run = run_timerfd},
    {.name = "poll-socket", .op = "poll", .class = "net", .run = run_poll_socket},
    {.name = "poll-pipe", .op = "poll", .class = "syscall", .run = run_poll_pipe},
    {.name = "poll-nothing", .op = "poll", .class = "sleep", .run = run_poll_nothing},
    {.name = "select-socket", .op = "select", .class = "net", .run = run_select_socket},
    {.name = "epoll", .op = "epoll_wait", .class = "net", .run = run_epoll},
    {.name = "nanosleep", .op = "nanosleep", .class = "sleep", .run = run_nanosleep},
    {.name = "waitpid", .op = "waitpid", .class = "syscall", .run = run_waitpid},
    {.name = "open-fifo", .op = "open", .class = "syscall", .run = run_open},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
}
