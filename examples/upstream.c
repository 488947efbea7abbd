#include "upstream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* One thread for each connection: requests on different connections do not delay each other. */
static void *answer_requests(void *argument)
{
    int connection = (int)(intptr_t)argument;
    struct timespec answer_time = {.tv_nsec = UPSTREAM_ANSWER_MS * 1000000L};
    char request;

    while (recv(connection, &request, 1, 0) == 1) {
        nanosleep(&answer_time, NULL);
        if (send(connection, &request, 1, MSG_NOSIGNAL) != 1)
            break;
    }
    close(connection);
    return NULL;
}

static void upstream_serve(int listener)
{
    prctl(PR_SET_NAME, "upstream");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        pthread_t thread;

        if (connection < 0 ||
            pthread_create(&thread, NULL, answer_requests, (void *)(intptr_t)connection))
            exit(1);
        pthread_detach(thread);
    }
}

uint16_t upstream_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        fail("upstream");
    fflush(NULL);
    switch (fork()) {
    case -1:
        fail("fork");
        break;
    case 0:
        upstream_serve(listener);
        break;
    default:
        close(listener);
    }
    return ntohs(address.sin_port);
}

int upstream_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int no_delay = 1;

    if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
    return connection;
}

void upstream_send_request(int connection)
{
    if (send(connection, "?", 1, MSG_NOSIGNAL) != 1)
        fail("send");
}

void upstream_receive_answer(int connection)
{
    char answer;

    if (recv(connection, &answer, 1, 0) != 1)
        fail("recv");
}
