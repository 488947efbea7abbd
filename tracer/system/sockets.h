/* The addresses of sockets, as the tables of a network namespace in /proc tell them. */
#ifndef CTRACE_SYSTEM_SOCKETS_H
#define CTRACE_SYSTEM_SOCKETS_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

struct ct_socket_addresses {
    char *local; /* owned; "10.0.0.1:80", "[::1]:80", a unix socket's path; empty: it has none */
    char *peer;  /* owned; as far as it is told: not for unix sockets */
};

struct ct_sockets;

/* The sockets of the namespace that process `pid` is in, as they are now. */
struct ct_sockets *ct_sockets_read(pid_t pid);

/* NULL: a socket that has no address yet, or of a protocol without. Borrowed. */
const struct ct_socket_addresses *ct_sockets_find(const struct ct_sockets *sockets, uint64_t inode);

void ct_sockets_free(struct ct_sockets *sockets);

#endif
