/*
 * slow_peer.c, cured: the connections are opened once and kept, and all four
 * questions are asked before the first answer is awaited. A request takes as
 * long as its slowest answer, not as long as their sum.
 */
#include "clock.h"
#include "upstream.h"

#include <stdio.h>
#include <unistd.h>

enum { REQUESTS = 15, QUESTIONS = 4 };

static int connections[QUESTIONS];
static uint64_t waited_ns;

static void ask_upstream(void)
{
    uint64_t asked_ns = clock_now_ns();

    for (int i = 0; i < QUESTIONS; i++)
        upstream_send_request(connections[i]);
    for (int i = 0; i < QUESTIONS; i++)
        upstream_receive_answer(connections[i]);
    waited_ns += clock_now_ns() - asked_ns;
}

static void handle_request(void)
{
    ask_upstream();
}

int main(void)
{
    uint16_t port = upstream_start();
    uint64_t begin_ns = clock_now_ns();

    for (int i = 0; i < QUESTIONS; i++)
        connections[i] = upstream_connect(port);
    for (int i = 0; i < REQUESTS; i++)
        handle_request();
    for (int i = 0; i < QUESTIONS; i++)
        close(connections[i]);
    printf("slow_peer_cured: handled %d requests in %.0f ms; waited %.0f ms for the upstream\n",
           REQUESTS, ns_to_ms(clock_now_ns() - begin_ns), ns_to_ms(waited_ns));
    return 0;
}
