/* Which of the processes that run already are recorded: some with what they start, all of a cgroup,
 * or all of the machine. */
#ifndef CTRACE_SYSTEM_RUNNING_H
#define CTRACE_SYSTEM_RUNNING_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

enum ct_running_kind {
    CT_RUNNING_TREE,   /* the roots, and what they have started and will */
    CT_RUNNING_CGROUP, /* all that is in it, or below it, or will be */
    CT_RUNNING_MACHINE
};

struct ct_running {
    enum ct_running_kind kind;
    GArray *roots;         /* owned; pid_t; of a tree */
    char *cgroup;          /* owned; its folder */
    uint64_t cgroup_id;    /* as the kernel has it: the folder's inode */
    uint32_t hierarchy_id; /* of which the cgroup is; 0: version 2's */
    guint kernel_threads;  /* so many were left out of the last list of a group */
    guint refused;         /* and so many processes that we may not look into */
    pid_t refused_one;     /* one of those */
};

void ct_running_free(struct ct_running *running);

/*
 * The processes that it has now (pid_t), but none of this recording's own: the recorder with what
 * it has started, the job that it is of, and LTTng's daemons. Of a group, neither threads of the
 * kernel nor processes into which we may not look; of a tree, without what the roots have started
 * unless `follows_children`. Caller unrefs.
 */
GArray *ct_running_list(struct ct_running *running, gboolean follows_children);

#endif
