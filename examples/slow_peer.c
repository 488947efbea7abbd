/*
 * A server that waits for a slow peer: to answer one request it asks its
 * upstream four questions, one after the other, each over a connection of its
 * own. The upstream takes 20 ms for an answer, so a request takes 80.
 *
 * The net profile shows it at once: the handler's time is in recv, called by
 * ask_upstream. slow_peer_cured.c is the same program with the cure.
 */
#include "clock.h"
#include "upstream.h"

#include <stdio.h>
#include <unistd.h>

enum { REQUESTS = 15, QUESTIONS = 4 };

static uint16_t upstream_port;
static uint64_t waited_ns;

static void ask_upstream(void)
{
    int connection = upstream_connect(upstream_port);
    uint64_t asked_ns = clock_now_ns();

    upstream_send_request(connection);
    upstream_receive_answer(connection);
    waited_ns += clock_now_ns() - asked_ns;
    close(connection);
}

static void handle_request(void)
{
    for (int i = 0; i < QUESTIONS; i++)
        ask_upstream(); /* the disease: none of them needs the other's answer */
}

int main(void)
{
    uint64_t begin_ns;

    upstream_port = upstream_start();
    begin_ns = clock_now_ns();
    for (int i = 0; i < REQUESTS; i++)
        handle_request();
    printf("slow_peer: handled %d requests in %.0f ms; waited %.0f ms for the upstream\n", REQUESTS,
           ns_to_ms(clock_now_ns() - begin_ns), ns_to_ms(waited_ns));
    return 0;
}
