/* Of which cgroup the quota of CPU time is used up, so that a task has to wait for the next one. */
#ifndef CTRACE_RECORD_LAYERS_BPF_QUOTA_H
#define CTRACE_RECORD_LAYERS_BPF_QUOTA_H

#include "kernel_types.h"
#include "spool/off_cpu.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* So deep may the cgroup be. */
#define QUOTA_DEPTH_MAX 16

/* As a cgroup has it that has none. */
#define QUOTA_NONE (~0ULL)

/* `queue` is of a cgroup that is throttled, or one is that it is in: the first of them that has a
 * quota. */
static void find_quota(struct cfs_rq *queue, struct ct_off_cpu_quota *quota)
{
    uint64_t cpu = bpf_get_smp_processor_id();

    for (int depth = 0; queue && depth < QUOTA_DEPTH_MAX; depth++) {
        struct task_group *group = BPF_CORE_READ(queue, tg);

        uint64_t quota_ns = BPF_CORE_READ(group, cfs_bandwidth.quota);

        if (BPF_CORE_READ(queue, throttled) && quota_ns != QUOTA_NONE) {
            quota->quota_ns = quota_ns;
            quota->period_ns = BPF_CORE_READ(group, cfs_bandwidth.period);
            bpf_probe_read_kernel_str(quota->cgroup, sizeof(quota->cgroup),
                                      BPF_CORE_READ(group, css.cgroup, kn, name));
            return;
        }
        struct sched_entity **entities = BPF_CORE_READ(group, se);
        struct sched_entity *entity = NULL;

        if (!entities || bpf_probe_read_kernel(&entity, sizeof(entity), entities + cpu) != 0)
            return;
        queue = BPF_CORE_READ(entity, cfs_rq);
    }
}

#endif
