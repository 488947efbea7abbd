/* The open descriptors of another process, as the preload's `fd` event tells those of its own. */
#ifndef CTRACE_SYSTEM_DESCRIPTORS_H
#define CTRACE_SYSTEM_DESCRIPTORS_H

#include "schema/operations.h"
#include "sockets.h"

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

struct ct_descriptor {
    int fd;
    enum ct_fd_kind kind;
    const char *local; /* a socket's own address, or where the descriptor leads */
    const char *peer;  /* a socket's other end; empty if it is not known */
    uint32_t watched; /* of an epoll descriptor: the kinds of those it watches, as bits 1 << kind */
};

/* Where a descriptor leads, as "socket:[123]" or a path, and its kind. NULL: it is not open, or not
 * ours to see. Caller frees. */
char *ct_descriptor_target(pid_t pid, int fd, enum ct_fd_kind *kind);

/* The kinds of what an epoll descriptor watches, as bits 1 << kind; of the first `most` only. */
uint32_t ct_descriptor_watched(pid_t pid, int epoll_fd, guint most);

/* The tables of sockets by network namespace, kept for as long as one look at processes lasts. */
struct ct_socket_tables;
struct ct_socket_tables *ct_socket_tables_new(void);
void ct_socket_tables_free(struct ct_socket_tables *tables);

/* The addresses of the socket that a descriptor of process `pid` leads to. NULL: it is no socket,
 * or has none. Borrowed. */
const struct ct_socket_addresses *ct_socket_tables_find(struct ct_socket_tables *tables, pid_t pid,
                                                        const char *target);

/* Calls `visit` for each descriptor of process `pid`, with what is valid for the call only. */
void ct_descriptors_visit(pid_t pid, struct ct_socket_tables *tables,
                          void (*visit)(void *user, const struct ct_descriptor *descriptor),
                          void *user);

#endif
