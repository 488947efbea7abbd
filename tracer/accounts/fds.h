/* The descriptors of another process that its threads have waited for: what they are. */
#ifndef CTRACE_ACCOUNTS_FDS_H
#define CTRACE_ACCOUNTS_FDS_H

#include "schema/operations.h"

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

struct ct_account_fds;

struct ct_account_fds *ct_account_fds_new(pid_t pid);
void ct_account_fds_free(struct ct_account_fds *fds);

/* Of a wait for it. UNKNOWN is the class of what is not open, or not ours to see. */
enum ct_class ct_account_fds_class(struct ct_account_fds *fds, int fd);

/* Of a wait for any of those that an epoll descriptor watches. They are asked for every few
 * seconds, and of many the first ones. */
enum ct_class ct_account_fds_epoll_class(struct ct_account_fds *fds, int fd, uint64_t now_ns);

#endif
