/* A cgroup as the command line names it. */
#ifndef CTRACE_SYSTEM_CGROUP_H
#define CTRACE_SYSTEM_CGROUP_H

#include "system/running.h"

#include <glib.h>

/*
 * `name` is its folder, such as /sys/fs/cgroup/system.slice/nginx.service, or its path as
 * /proc/PID/cgroup prints it, with what that has before it or without. NULL and an error that says
 * what to do if there is none, or nothing in it to record. Free with ct_running_free().
 */
struct ct_running *ct_cgroup_find(const char *name, GError **error);

/* It is there no more: nothing can enter it again. */
gboolean ct_cgroup_is_gone(const struct ct_running *running);

#endif
