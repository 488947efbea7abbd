/*
 * Connections that turn: turns WHAT. What it knows of them is printed as JSON.
 *
 *   pool         a thread reads numbered requests of clients, and a pool of workers answers
 *   loop HOW     an event loop (epoll, pointers, shared, poll, select) asks two peers: one is slow
 *   burst        a thread answers another one as fast as it can
 *   unanswered   a peer closes the connection instead, and another one never answers
 *   datagrams    questions and answers that are no turns, as of UDP
 */
#include "scenario.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { CLIENTS = 20, REQUESTS = 20, WORKERS = 4, CALLS = 20, SLOW_MS = 25, BURST = 20000 };

static uint16_t port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;

    require(getsockname(fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
    return ntohs(address.sin_port);
}

static int listen_anywhere(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    require(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                listen(fd, 64) == 0,
            "listen");
    return fd;
}

static int connect_to(uint16_t port, int type)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);

    require(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0,
            "connect");
    return fd;
}

static void spin_us(uint64_t us)
{
    for (uint64_t until_ns = now_ns() + us * 1000; now_ns() < until_ns;)
        continue;
}

/* ---- pool ---- */

struct job {
    int fd;
    uint16_t client; /* the port */
    uint32_t number; /* of the request, over all clients */
    pid_t reader, writer;
    uint64_t read_ns, taken_ns, answered_ns;
};

static struct job jobs[CLIENTS * REQUESTS];
static struct job *queue[CLIENTS * REQUESTS];
static int queued, taken;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_work = PTHREAD_COND_INITIALIZER;

static struct job *take(void)
{
    struct job *job;

    pthread_mutex_lock(&mutex);
    while (taken == queued && taken < CLIENTS * REQUESTS)
        pthread_cond_wait(&has_work, &mutex);
    job = taken < queued ? queue[taken++] : NULL;
    pthread_mutex_unlock(&mutex);
    return job;
}

static void *work(void *unused)
{
    struct job *job;

    while ((job = take()) != NULL) {
        job->taken_ns = now_ns();
        job->writer = gettid();
        if (job->number % 3 == 0)
            sleep_ms(1);
        else
            spin_us(job->number % 7 * 100);
        job->answered_ns = now_ns();
        require(write(job->fd, &job->number, sizeof job->number) == sizeof job->number, "write");
    }
    /* The others may sleep. */
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&has_work);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static uint16_t peer_port(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;

    require(getpeername(fd, (struct sockaddr *)&address, &size) == 0, "getpeername");
    return ntohs(address.sin_port);
}

static void read_one(int fd)
{
    uint32_t number;

    require(read(fd, &number, sizeof number) == sizeof number && number < CLIENTS * REQUESTS,
            "read");
    struct job *job = &jobs[number];

    *job = (struct job){.fd = fd,
                        .client = peer_port(fd),
                        .number = number,
                        .reader = gettid(),
                        .read_ns = now_ns()};
    pthread_mutex_lock(&mutex);
    queue[queued++] = job;
    pthread_cond_signal(&has_work);
    pthread_mutex_unlock(&mutex);
}

static void read_all(int listener)
{
    struct pollfd polled[1 + CLIENTS] = {{.fd = listener, .events = POLLIN}};
    int count = 1;

    while (queued < CLIENTS * REQUESTS) {
        require(poll(polled, (nfds_t)count, -1) > 0, "poll");
        for (int i = 1; i < count; i++)
            if (polled[i].revents & POLLIN)
                read_one(polled[i].fd);
        if (polled[0].revents & POLLIN)
            polled[count++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
    }
}

/* A process of its own: each of its threads asks, and waits for the answer. */
struct client {
    uint16_t port;
    uint32_t first;
};

static void *ask(void *data)
{
    const struct client *client = data;
    int fd = connect_to(client->port, SOCK_STREAM);

    for (uint32_t number = client->first; number < client->first + REQUESTS; number++) {
        uint32_t answer;

        require(write(fd, &number, sizeof number) == sizeof number &&
                    read(fd, &answer, sizeof answer) == sizeof answer && answer == number,
                "ask");
    }
    return NULL;
}

static void run_clients(uint16_t port)
{
    pthread_t threads[CLIENTS];
    struct client clients[CLIENTS];

    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){port, i * REQUESTS};
        require(pthread_create(&threads[i], NULL, ask, &clients[i]) == 0, "pthread_create");
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    exit(0);
}

static void run_pool(void)
{
    int listener = listen_anywhere();
    pid_t clients = fork();
    pthread_t workers[WORKERS];

    if (clients == 0)
        run_clients(port_of(listener));
    for (int i = 0; i < WORKERS; i++)
        require(pthread_create(&workers[i], NULL, work, NULL) == 0, "pthread_create");
    read_all(listener);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    waitpid(clients, NULL, 0);
    printf("{\"port\": %d, \"requests\": [\n", port_of(listener));
    for (int i = 0; i < CLIENTS * REQUESTS; i++)
        printf(
            "{\"number\": %u, \"client\": %d, \"reader\": %d, \"writer\": %d, \"read_ns\": %llu, "
            "\"taken_ns\": %llu, \"answered_ns\": %llu}%s\n",
            jobs[i].number, jobs[i].client, jobs[i].reader, jobs[i].writer,
            (unsigned long long)jobs[i].read_ns, (unsigned long long)jobs[i].taken_ns,
            (unsigned long long)jobs[i].answered_ns, i + 1 < CLIENTS * REQUESTS ? "," : "");
    puts("]}");
}

/* ---- loop ---- */

/* A peer in a process of its own: answers each byte after so long, on one connection. */
static uint16_t start_peer(long ms)
{
    int listener = listen_anywhere();
    uint16_t port = port_of(listener);
    char byte;

    if (fork() != 0) {
        close(listener);
        return port;
    }
    for (int fd = accept(listener, NULL, NULL); read(fd, &byte, 1) == 1;) {
        sleep_ms(ms);
        require(write(fd, &byte, 1) == 1, "answer");
    }
    _exit(0);
}

struct peer {
    int fd;
    int left; /* calls to be made */
};

static struct peer peers[2];

static void call(struct peer *peer)
{
    require(send(peer->fd, "?", 1, 0) == 1, "send");
    peer->left--;
}

static void answered(struct peer *peer)
{
    char byte;

    require(recv(peer->fd, &byte, 1, MSG_DONTWAIT) == 1, "recv");
    if (peer->left > 0)
        call(peer);
    else
        peer->fd = -1;
}

static int wait_by_shared(int epoll)
{
    struct epoll_event event;
    char byte;

    require(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
    return peers[0].fd >= 0 && recv(peers[0].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 ? 0 : 1;
}

static int wait_by_epoll(int epoll, int is_by_pointer)
{
    struct epoll_event event;

    require(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
    return is_by_pointer ? (int)((struct peer *)event.data.ptr - peers)
                         : event.data.fd == peers[1].fd;
}

static int wait_by_poll(void)
{
    struct pollfd polled[2] = {{peers[0].fd, POLLIN, 0}, {peers[1].fd, POLLIN, 0}};

    require(poll(polled, 2, -1) > 0, "poll");
    return polled[0].revents ? 0 : 1;
}

static int wait_by_select(void)
{
    fd_set reads;

    FD_ZERO(&reads);
    for (int i = 0; i < 2; i++)
        if (peers[i].fd >= 0)
            FD_SET(peers[i].fd, &reads);
    require(select(1024, &reads, NULL, NULL, NULL) > 0, "select");
    return peers[0].fd >= 0 && FD_ISSET(peers[0].fd, &reads) ? 0 : 1;
}

static void run_loop(const char *how)
{
    const uint16_t ports[2] = {start_peer(SLOW_MS), start_peer(0)};
    int is_by_pointer = strcmp(how, "pointers") == 0;
    int epoll = epoll_create1(0);

    for (int i = 0; i < 2; i++) {
        peers[i] = (struct peer){connect_to(ports[i], SOCK_STREAM), CALLS};
        struct epoll_event event = {.events = EPOLLIN};

        if (is_by_pointer)
            event.data.ptr = &peers[i];
        else if (strcmp(how, "shared") == 0)
            event.data.u64 = 7;
        else
            event.data.fd = peers[i].fd;
        require(epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event) == 0, "epoll_ctl");
        call(&peers[i]);
    }
    for (int i = 0; i < 2 * CALLS; i++)
        answered(&peers[strcmp(how, "poll") == 0     ? wait_by_poll()
                        : strcmp(how, "select") == 0 ? wait_by_select()
                        : strcmp(how, "shared") == 0 ? wait_by_shared(epoll)
                                                     : wait_by_epoll(epoll, is_by_pointer)]);
    printf("{\"slow\": \"127.0.0.1:%d\", \"fast\": \"127.0.0.1:%d\", \"calls\": %d, \"slow_ms\": "
           "%d}\n",
           ports[0], ports[1], CALLS, SLOW_MS);
}

/* ---- burst ---- */

static void *ask_fast(void *data)
{
    int fd = connect_to(*(const uint16_t *)data, SOCK_STREAM);
    char byte;

    for (int i = 0; i < BURST; i++)
        require(write(fd, "?", 1) == 1 && read(fd, &byte, 1) == 1, "ask");
    close(fd);
    return NULL;
}

static void run_burst(void)
{
    int listener = listen_anywhere();
    uint16_t port = port_of(listener);
    pthread_t asker;
    char byte;

    require(pthread_create(&asker, NULL, ask_fast, &port) == 0, "pthread_create");
    int fd = accept(listener, NULL, NULL);
    while (read(fd, &byte, 1) == 1)
        require(write(fd, &byte, 1) == 1, "answer");
    pthread_join(asker, NULL);
    printf("{\"port\": %d, \"count\": %d}\n", port, BURST);
}

/* ---- unanswered ---- */

/* By what closes connections besides close. */
static void give_up_otherwise(uint16_t port)
{
    int fds[4];

    for (size_t i = 0; i < 4; i++) {
        fds[i] = connect_to(port, SOCK_STREAM);
        require(write(fds[i], "?", 1) == 1, "write");
    }
    require(dup2(STDERR_FILENO, fds[0]) == fds[0], "dup2");
    require(dup3(STDERR_FILENO, fds[1], O_CLOEXEC) == fds[1], "dup3");
    require(close_range((unsigned)fds[2], (unsigned)fds[2], 0) == 0, "close_range");
    FILE *stream = fdopen(fds[3], "r+");
    require(stream != NULL && fclose(stream) == 0, "fclose");
}

static void run_unanswered(void)
{
    int listener = listen_anywhere();
    uint16_t port = port_of(listener);
    char byte;

    if (fork() == 0) {
        int first = accept(listener, NULL, NULL), second = accept(listener, NULL, NULL);

        accept(listener, NULL, NULL); /* never read */

        require(read(first, &byte, 1) == 1 && close(first) == 0 && read(second, &byte, 1) == 1,
                "peer");
        read(second, &byte, 1); /* until it is given up */
        _exit(0);
    }
    close(listener);
    int fd = connect_to(port, SOCK_STREAM), other = connect_to(port, SOCK_STREAM);
    int last = connect_to(port, SOCK_STREAM);

    require(write(fd, "?", 1) == 1 && read(fd, &byte, 1) == 0, "closed");
    give_up_otherwise(port);
    require(write(other, "?", 1) == 1, "write");
    sleep_ms(SLOW_MS);
    close(other);
    require(write(last, "?", 1) == 1, "write");
    require(dup2(-1, last) < 0 && dup2(last, last) == last, "dup2 that closes nothing");
    printf("{\"peer\": \"127.0.0.1:%d\", \"slow_ms\": %d}\n", port, SLOW_MS);
}

/* ---- datagrams ---- */

static void run_datagrams(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    char byte;

    require(bind(server, (const struct sockaddr *)&address, sizeof address) == 0, "bind");
    int fd = connect_to(port_of(server), SOCK_DGRAM);

    for (int i = 0; i < CALLS; i++) {
        require(write(fd, "?", 1) == 1, "write");
        require(recvfrom(server, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1, "recvfrom");
        require(sendto(server, "!", 1, 0, (struct sockaddr *)&from, size) == 1, "sendto");
        require(read(fd, &byte, 1) == 1, "read");
    }
    puts("{}");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    signal(SIGPIPE, SIG_IGN);
    if (strcmp(what, "pool") == 0)
        run_pool();
    else if (strcmp(what, "loop") == 0 && argc > 2)
        run_loop(argv[2]);
    else if (strcmp(what, "burst") == 0)
        run_burst();
    else if (strcmp(what, "unanswered") == 0)
        run_unanswered();
    else if (strcmp(what, "datagrams") == 0)
        run_datagrams();
    else
        return 2;
    return 0;
}
