/*
 * Threads that are each in one state for ever, and are called after it: what one who looks at them
 * should see. Prints a line once all are on their way; ends when its standard input does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static int silent_pipe[2], listener, connected, event, timer, epoll;
static pid_t child;

static void spin(void)
{
    for (;;)
        __asm__ volatile("");
}

static void lock(void)
{
    pthread_mutex_lock(&held);
}

static void read_from(int fd)
{
    char room[8];

    (void)!read(fd, room, sizeof(room));
}

static void read_pipe(void)
{
    read_from(silent_pipe[0]);
}

static void read_event(void)
{
    read_from(event);
}

static void read_timer(void)
{
    read_from(timer);
}

static void receive(void)
{
    char room[8];

    recv(connected, room, sizeof(room), 0);
}

static void accept_one(void)
{
    accept(listener, NULL, NULL);
}

static void poll_one(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};

    poll(&polled, 1, -1);
}

static void poll_socket(void)
{
    poll_one(connected);
}

static void poll_pipe(void)
{
    poll_one(silent_pipe[0]);
}

static void poll_nothing(void)
{
    poll(NULL, 0, -1);
}

static void select_pipe(void)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(silent_pipe[0], &set);
    select(silent_pipe[0] + 1, &set, NULL, NULL, NULL);
}

static void wait_for_events(void)
{
    struct epoll_event got;

    epoll_wait(epoll, &got, 1, -1);
}

static void nap(void)
{
    sleep(1000000);
}

static void wait_for_child(void)
{
    waitpid(child, NULL, 0);
}

static const struct work {
    const char *name;
    void (*begin)(void);
} works[] = {
    {"spins", spin},
    {"lock-1", lock},
    {"lock-2", lock},
    {"lock-3", lock},
    {"reads_pipe", read_pipe},
    {"reads_event", read_event},
    {"reads_timer", read_timer},
    {"receives", receive},
    {"accepts", accept_one},
    {"polls_socket", poll_socket},
    {"polls_pipe", poll_pipe},
    {"polls_nothing", poll_nothing},
    {"selects_pipe", select_pipe},
    {"epolls", wait_for_events},
    {"sleeps", nap},
    {"waits_child", wait_for_child},
};

static void *begin(void *data)
{
    const struct work *work = data;

    pthread_setname_np(pthread_self(), work->name);
    work->begin();
    return NULL;
}

static void connect_to_itself(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 8) != 0)
        exit(1);
    getsockname(listener, (struct sockaddr *)&address, &size);
    connected = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connected, (struct sockaddr *)&address, size) != 0)
        exit(1);
    (void)!accept(listener, NULL, NULL); /* stays open */
}

int main(void)
{
    child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    if (pipe(silent_pipe) != 0)
        return 1;
    connect_to_itself();
    event = eventfd(0, 0);
    timer = timerfd_create(CLOCK_MONOTONIC, 0);
    epoll = epoll_create1(0);
    struct epoll_event watched = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, connected, &watched);
    pthread_mutex_lock(&held);
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, begin, (void *)&works[i]) != 0)
            return 1;
    }
    usleep(100000);
    puts("ready");
    fflush(stdout);
    read_from(STDIN_FILENO);
    kill(child, SIGKILL);
    _exit(0);
}
