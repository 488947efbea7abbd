#include "buffers.h"

#include "rlimits.h"

#include <sys/statvfs.h>
#include <unistd.h>

/*
 * Buffers: events wait in the rings of the boards while these are full, and LTTng makes them for
 * each CPU although there is one writer, so they are not large; but if they are much smaller, the
 * consumer cannot follow on a busy machine. Small packets, since a full disk or a killed consumer
 * daemon costs a whole one: no timer brings them out earlier, which would give a packet a later
 * time than the events have that follow.
 */
#define WAITS_SUBBUFFER_COUNT 128
#define STATE_SUBBUFFER_COUNT 32

/* Those for waits, over all CPUs: on a machine with many, each one's are fewer. */
#define WAITS_BUDGET              (UINT64_C(128) << 20)
#define WAITS_SUBBUFFER_COUNT_MIN 32

/*
 * The consumer takes all memory of the buffers when it makes them, from shared memory. Where that
 * has too little, it does so without a word, and our events are never taken. Some is left for the
 * boards and for what the buffers have beside the events.
 */
#define SHARED_MEMORY        "/dev/shm"
#define SUBBUFFER_COUNT_MIN  4
#define SHARED_MEMORY_MARGIN (UINT64_C(1) << 20)

/* What a CPU's buffer has beside the events: they are a file, which may be limited in size. */
#define BUFFER_MARGIN (UINT64_C(128) << 10)

static uint64_t total_size(const struct ct_buffer_plan *plan, uint64_t cpus)
{
    return SHARED_MEMORY_MARGIN + 2 * CT_METADATA_SUBBUFFER_SIZE +
           (plan->waits + plan->state) * CT_SUBBUFFER_SIZE * cpus;
}

static uint64_t file_size(const struct ct_buffer_plan *plan)
{
    return BUFFER_MARGIN + MAX(plan->waits, plan->state) * CT_SUBBUFFER_SIZE;
}

/* FALSE: there are as few as there can be. */
static gboolean shrink(struct ct_buffer_plan *plan)
{
    uint64_t *count = plan->waits > plan->state ? &plan->waits : &plan->state;

    if (*count <= SUBBUFFER_COUNT_MIN)
        return FALSE;
    *count /= 2;
    return TRUE;
}

gboolean ct_buffers_plan(struct ct_buffer_plan *plan, GError **error)
{
    uint64_t cpus = (uint64_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
    uint64_t free_size = UINT64_MAX;
    uint64_t file_limit = ct_rlimits_file_size();
    gboolean is_enough = TRUE;
    struct statvfs status;

    *plan = (struct ct_buffer_plan){WAITS_SUBBUFFER_COUNT, STATE_SUBBUFFER_COUNT};
    while (plan->waits > WAITS_SUBBUFFER_COUNT_MIN &&
           plan->waits * CT_SUBBUFFER_SIZE * cpus > WAITS_BUDGET)
        plan->waits /= 2;
    if (statvfs(SHARED_MEMORY, &status) == 0 && status.f_blocks > 0)
        free_size = (uint64_t)status.f_bavail * status.f_frsize;
    while (is_enough && (total_size(plan, cpus) > free_size || file_size(plan) > file_limit))
        is_enough = shrink(plan);
    if (is_enough)
        return TRUE;
    if (file_size(plan) > file_limit)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                    "LTTng's buffers are files of %.1f MB at least, and a file may have %.1f MB: "
                    "raise the limit (ulimit -Hf)",
                    (double)file_size(plan) / 1e6, (double)file_limit / 1e6);
    else
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                    "LTTng's buffers need %.1f MB of shared memory at least, and " SHARED_MEMORY
                    " has %.1f MB free: remove what is not needed there, or make it larger "
                    "(mount -o remount,size=256m " SHARED_MEMORY "; docker run --shm-size=256m)",
                    (double)total_size(plan, cpus) / 1e6, (double)free_size / 1e6);
    return FALSE;
}
