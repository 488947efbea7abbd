/*
 * Requests that fan out: fan_out WHAT. Each is asked of four at once, and ends when all have
 * answered; one of them is slow. What it knows of that is printed as JSON.
 *
 *   peers      processes on connections, answers awaited by poll
 *   threads    workers, the last of which to be done tells so
 */
#include "scenario.h"

#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>

enum { FAN = 4, SLOW = 2, ASKED = 20, SLOW_MS = 20, FAST_MS = 1 };

/* ---- Peers ---- */

/* A process of its own, that answers each byte after so long, on one connection. */
static struct sockaddr_in start_peer(long ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    require(listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 &&
                listen(listener, 1) == 0 &&
                getsockname(listener, (struct sockaddr *)&address, &size) == 0,
            "listen");
    if (fork() != 0) {
        close(listener);
        return address;
    }
    for (int fd = accept(listener, NULL, NULL); read(fd, &byte, 1) == 1;) {
        sleep_ms(ms);
        require(write(fd, &byte, 1) == 1, "answer");
    }
    _exit(0);
}

static void ask_all(struct pollfd *peers)
{
    for (int i = 0; i < FAN; i++) {
        require(send(peers[i].fd, "?", 1, 0) == 1, "send");
        peers[i].events = POLLIN;
    }
    for (int left = FAN; left > 0;) {
        char byte;

        require(poll(peers, FAN, -1) > 0, "poll");
        for (int i = 0; i < FAN; i++) {
            if ((peers[i].revents & POLLIN) == 0)
                continue;
            require(recv(peers[i].fd, &byte, 1, 0) == 1, "recv");
            peers[i].events = 0;
            left--;
        }
    }
}

static void run_peers(void)
{
    struct sockaddr_in addresses[FAN];
    struct pollfd peers[FAN];

    for (int i = 0; i < FAN; i++)
        addresses[i] = start_peer(i == SLOW ? SLOW_MS : FAST_MS);
    for (int i = 0; i < FAN; i++) {
        peers[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM, 0)};
        require(connect(peers[i].fd, (struct sockaddr *)&addresses[i], sizeof addresses[i]) == 0,
                "connect");
    }
    for (int i = 0; i < ASKED; i++)
        ask_all(peers);
    printf("{\"slow\": \"127.0.0.1:%d\", \"asked\": %d, \"slow_ms\": %d}\n",
           ntohs(addresses[SLOW].sin_port), ASKED, SLOW_MS);
}

/* ---- Threads ---- */

static sem_t asked[FAN], all_done;
static _Atomic int left;
static volatile unsigned long result;

static void compute_for(long us)
{
    struct timespec used;
    uint64_t until_us = 0;

    do {
        for (int i = 0; i < 1000; i++)
            result += (unsigned long)i;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        uint64_t now_us = (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
        until_us = until_us == 0 ? now_us + (uint64_t)us : until_us;
        if (now_us >= until_us)
            return;
    } while (1);
}

static __attribute__((noinline)) void answer_part(int number)
{
    compute_for(number == SLOW ? SLOW_MS * 1000 : 100);
    if (--left == 0)
        sem_post(&all_done);
}

static void *answer_parts(void *data)
{
    int number = (int)(intptr_t)data;

    pthread_setname_np(pthread_self(), number == SLOW ? "index" : "cache");
    for (int i = 0; i < ASKED; i++) {
        while (sem_wait(&asked[number]) != 0)
            continue;
        answer_part(number);
    }
    return NULL;
}

static __attribute__((noinline)) void serve_request(void)
{
    left = FAN;
    for (int i = 0; i < FAN; i++)
        sem_post(&asked[i]);
    while (sem_wait(&all_done) != 0)
        continue;
}

static void run_threads(void)
{
    pthread_t workers[FAN];

    sem_init(&all_done, 0, 0);
    for (int i = 0; i < FAN; i++) {
        sem_init(&asked[i], 0, 0);
        require(pthread_create(&workers[i], NULL, answer_parts, (void *)(intptr_t)i) == 0,
                "thread");
    }
    for (int i = 0; i < ASKED; i++)
        serve_request();
    for (int i = 0; i < FAN; i++)
        pthread_join(workers[i], NULL);
    printf("{\"asked\": %d, \"slow_ms\": %d}\n", ASKED, SLOW_MS);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    signal(SIGPIPE, SIG_IGN);
    if (strcmp(what, "peers") == 0)
        run_peers();
    else if (strcmp(what, "threads") == 0)
        run_threads();
    else
        return 2;
    return 0;
}
