/*
 * The slow peer of slow_peer.c and slow_peer_cured.c: a process of its own that
 * answers each request over loopback TCP, after UPSTREAM_ANSWER_MS.
 */
#ifndef CTRACE_EXAMPLES_UPSTREAM_H
#define CTRACE_EXAMPLES_UPSTREAM_H

#include <stdint.h>
#include <sys/types.h>

enum { UPSTREAM_ANSWER_MS = 20 };

/* Forks the upstream, which ends with its parent; returns the port it listens on. */
uint16_t upstream_start(void);

/* Connects, sends a request, waits for the answer. They end the program if they fail. */
int upstream_connect(uint16_t port);
void upstream_send_request(int connection);
void upstream_receive_answer(int connection);

#endif
