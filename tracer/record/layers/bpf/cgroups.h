/* Which tasks are in the cgroup that is recorded. */
#ifndef CTRACE_RECORD_LAYERS_BPF_CGROUPS_H
#define CTRACE_RECORD_LAYERS_BPF_CGROUPS_H

#include "followed.h"

#include <bpf/bpf_core_read.h>

/* A task is in one cgroup of each hierarchy, and those may be so deep. */
#define HIERARCHIES_MAX  32
#define CGROUP_DEPTH_MAX 64

/* Not static: the kernel checks it once then, and not at each of the places in others' loops, which
 * takes half a second at the start of every recording. It is given the cgroup's address. */
__noinline int is_recorded_cgroup(uint64_t address)
{
    struct cgroup *cgroup = (struct cgroup *)address;

    if (!cgroup || BPF_CORE_READ(cgroup, root, hierarchy_id) != (int)state.hierarchy_id)
        return 0;
    for (int depth = 0; cgroup && depth < CGROUP_DEPTH_MAX; depth++) {
        if (BPF_CORE_READ(cgroup, kn, id) == state.cgroup_id)
            return 1;
        cgroup = (struct cgroup *)BPF_CORE_READ(cgroup, self.parent);
    }
    return 0;
}

static bool is_in_recorded_cgroup(struct task_struct *task)
{
    struct css_set *set = BPF_CORE_READ(task, cgroups);
    const uint64_t to_link = bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
    struct list_head *head = (void *)set + bpf_core_field_offset(struct css_set, cgrp_links);
    struct list_head *at = BPF_CORE_READ(head, next);

    for (int i = 0; at != head && i < HIERARCHIES_MAX; i++) {
        struct cgrp_cset_link *link = (void *)at - to_link;

        if (is_recorded_cgroup((uint64_t)BPF_CORE_READ(link, cgrp)))
            return true;
        at = BPF_CORE_READ(at, next);
    }
    return false;
}

#endif
