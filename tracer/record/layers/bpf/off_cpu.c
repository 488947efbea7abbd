#include "off_cpu.h"

#include "programs.h"
#include "record/layers/perf/machine.h"
#include "schema/capture_words.h"
#include "spool/spool.h"
#include "system/monotonic.h"
#include "system/procfs.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Who is off the CPU for longer is told of before he is back: so much is not known at most of a
 * recording whose recorder was killed. */
#define ABSENCE_NS UINT64_C(1000000000)

struct off_cpu_source {
    struct ct_bpf_programs *programs; /* owned; NULL: they cannot be had */
    char *why_not;                    /* owned; then */
    void *lives;                      /* owned; what ct_perf_lives prepared, then opened */
    int spool_fd;                     /* -1: not opened yet */
    GArray *joined;                   /* borrowed; see struct ct_capture_context; the drainer's */
    guint missed;                     /* so many joined and had ended when they were looked at */
    uint64_t absent_ns;               /* when those who are absent were looked for; the drainer's */
    GByteArray *bytes;                /* owned; records on their way to the file; the drainer's */
    GMutex lock;                      /* of `begin` */
    struct ct_off_cpu_begin begin;    /* to be written, if it has a time */
};

static void *prepare_off_cpu(unsigned *promised)
{
    struct off_cpu_source *source = g_new0(struct off_cpu_source, 1);

    source->spool_fd = -1;
    source->bytes = g_byte_array_new();
    g_mutex_init(&source->lock);
    source->programs = ct_bpf_programs_load(&source->why_not);
    if (source->programs == NULL)
        return source;
    *promised |= ct_bpf_off_cpu.gives;
    source->lives = ct_perf_lives.prepare(promised);
    return source;
}

static void free_off_cpu(void *opened)
{
    struct off_cpu_source *source = opened;

    if (source->lives != NULL)
        ct_perf_lives.free(source->lives);
    ct_bpf_programs_free(source->programs);
    if (source->spool_fd >= 0)
        close(source->spool_fd);
    g_byte_array_unref(source->bytes);
    g_mutex_clear(&source->lock);
    g_free(source->why_not);
    g_free(source);
}

static void begin_at(struct off_cpu_source *source, uint64_t time_ns)
{
    ct_bpf_programs_state(source->programs)->is_on = 1;
    g_mutex_lock(&source->lock);
    source->begin = (struct ct_off_cpu_begin){
        .header = {.type = CT_OFF_CPU_BEGIN, .size = sizeof(source->begin)},
        .time_ns = time_ns,
    };
    g_mutex_unlock(&source->lock);
}

static gboolean follow(struct off_cpu_source *source, const struct ct_capture_context *context)
{
    g_autoptr(GArray) launched = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_autoptr(GArray) tree = NULL;

    if (context->running == NULL)
        g_array_append_val(launched, context->launched);
    else
        tree = ct_running_list(context->running, context->follows_children);
    return ct_bpf_programs_follow(source->programs, tree != NULL ? tree : launched,
                                  &source->why_not);
}

static gboolean create_spool(struct off_cpu_source *source, struct ct_capture_context *context)
{
    const struct ct_formats formats = {.enter_id = context->wants_calls};

    source->spool_fd = ct_spool_create(context->folder, CT_RINGS_BPF, &formats, 0);
    if (source->spool_fd < 0)
        source->why_not =
            g_strdup_printf("cannot write to %s: %s", context->folder, g_strerror(errno));
    return source->spool_fd >= 0;
}

/* Before anybody is listed: who comes later is told of. */
static void set_scope(struct ct_bpf_state *state, const struct ct_running *running)
{
    if (running == NULL || running->kind == CT_RUNNING_TREE)
        return;
    state->cgroup_id = running->cgroup_id;
    state->hierarchy_id = running->hierarchy_id;
    state->scope = running->kind == CT_RUNNING_CGROUP ? CT_BPF_CGROUP : CT_BPF_MACHINE;
}

/* TRUE once all that it takes is there. */
static gboolean open_all(struct off_cpu_source *source, struct ct_capture_context *context)
{
    if (source->programs == NULL)
        return FALSE;
    struct ct_bpf_state *state = ct_bpf_programs_state(source->programs);

    state->rate_ns = context->rate_ns;
    state->wants_calls = context->wants_calls != 0;
    state->wants_wakers = context->wants_wakers && context->wants_calls;
    state->follows_children = context->follows_children != 0;
    set_scope(state, context->running);
    source->joined = context->joined;
    source->lives = ct_perf_lives.open(context, g_steal_pointer(&source->lives), &source->why_not);
    return source->lives != NULL && follow(source, context) && create_spool(source, context);
}

static void *open_off_cpu(struct ct_capture_context *context, void *prepared, char **missing)
{
    struct off_cpu_source *source = prepared;

    if (!open_all(source, context)) {
        *missing = g_steal_pointer(&source->why_not);
        free_off_cpu(source);
        return NULL;
    }
    if (ct_bpf_programs_state(source->programs)->scope == CT_BPF_CGROUP &&
        !ct_bpf_programs_see_joining(source->programs))
        *missing = g_strdup("processes that come into the cgroup later: this kernel does not tell "
                            "of that");
    source->absent_ns = ct_monotonic_ns();
    if (context->is_begun)
        begin_at(source, source->absent_ns);
    return source;
}

static void begin_off_cpu(void *opened, uint64_t time_ns)
{
    struct off_cpu_source *source = opened;

    begin_at(source, time_ns);
    ct_perf_lives.begin(source->lives, time_ns);
}

static void begin_off_cpu_part(void *opened, uint32_t part)
{
    struct off_cpu_source *source = opened;

    ct_bpf_programs_state(source->programs)->part = part;
}

/* Behind what was told before. */
static uint64_t restate_off_cpu(void *opened, const GArray *preloaded, uint64_t time_ns)
{
    (void)preloaded;
    begin_at(opened, time_ns);
    return sizeof(struct ct_off_cpu_begin);
}

static void list_off_cpu_fds(const void *opened, GArray *fds)
{
    const struct off_cpu_source *source = opened;
    const struct pollfd fd = {.fd = ct_bpf_programs_fd(source->programs), .events = POLLIN};

    g_array_append_val(fds, fd);
    ct_perf_lives.list_fds(source->lives, fds);
}

/* In one write, so that the file ends with a whole record whatever becomes of us. FALSE and errno.
 */
static gboolean write_records(struct off_cpu_source *source)
{
    const GByteArray *bytes = source->bytes;

    for (guint at = 0; at < bytes->len;) {
        ssize_t written = write(source->spool_fd, bytes->data + at, bytes->len - at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        at += (guint)written;
    }
    g_byte_array_set_size(source->bytes, 0);
    return TRUE;
}

/* It comes first. */
static void take_begin(struct off_cpu_source *source)
{
    g_mutex_lock(&source->lock);
    if (source->begin.time_ns != 0)
        g_byte_array_append(source->bytes, (const void *)&source->begin, sizeof(source->begin));
    source->begin.time_ns = 0;
    g_mutex_unlock(&source->lock);
}

/* The recorder may be in that cgroup, too. */
static void follow_joined(struct off_cpu_source *source)
{
    g_autoptr(GArray) joined = g_array_new(FALSE, FALSE, sizeof(struct ct_joined));
    g_autoptr(GArray) pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_autofree char *why_not = NULL;
    struct ct_proc_stat stat;

    ct_bpf_programs_take_joined(source->programs, joined);
    for (guint i = 0; i < joined->len; i++) {
        const struct ct_joined *one = &g_array_index(joined, struct ct_joined, i);

        if (!ct_proc_read_stat(one->pid, one->pid, &stat) || CT_PROC_HAS_ENDED(stat.state)) {
            source->missed++;
        } else if (!stat.is_kernel_thread && !ct_proc_is_of_recording(one->pid, &stat) &&
                   ct_proc_may_look(one->pid)) {
            g_array_append_val(pids, one->pid);
            g_array_append_val(source->joined, *one);
        }
    }
    /* Whom it has no memory for, it counts. */
    if (pids->len > 0)
        ct_bpf_programs_follow(source->programs, pids, &why_not);
}

static gboolean drain_off_cpu(void *opened, gboolean *has_new_fds)
{
    struct off_cpu_source *source = opened;
    uint64_t now_ns = ct_monotonic_ns();

    take_begin(source);
    ct_bpf_programs_take(source->programs, now_ns, source->bytes);
    follow_joined(source);
    if (now_ns - source->absent_ns >= ABSENCE_NS) {
        ct_bpf_programs_take_absent(source->programs, now_ns - ABSENCE_NS, source->bytes);
        source->absent_ns = now_ns;
    }
    return write_records(source) && ct_perf_lives.drain(source->lives, has_new_fds);
}

/* Not those of whom it was told before. */
static gboolean bring_out_off_cpu(void *opened, gboolean *has_new_fds)
{
    struct off_cpu_source *source = opened;

    take_begin(source);
    ct_bpf_programs_take(source->programs, ct_monotonic_ns(), source->bytes);
    ct_bpf_programs_take_absent(source->programs, UINT64_MAX - 1, source->bytes);
    return drain_off_cpu(opened, has_new_fds);
}

static void end_off_cpu(void *opened)
{
    struct off_cpu_source *source = opened;

    ct_bpf_programs_state(source->programs)->is_on = 0;
    take_begin(source);
    ct_bpf_programs_take(source->programs, ct_monotonic_ns(), source->bytes);
    ct_bpf_programs_take_absent(source->programs, UINT64_MAX, source->bytes);
    ct_perf_lives.end(source->lives);
}

static char *describe_missing(const struct off_cpu_source *source)
{
    uint32_t unfollowed = ct_bpf_programs_state(source->programs)->unfollowed;

    if (unfollowed > 0)
        return g_strdup_printf("%u threads that the kernel had no memory for", unfollowed);
    if (source->missed > 0)
        return g_strdup_printf("%u processes that came into it later, and had ended before they "
                               "could be looked at",
                               source->missed);
    return NULL;
}

static gboolean close_off_cpu(void *opened, char **missing)
{
    struct off_cpu_source *source = opened;
    gboolean is_closed = close(source->spool_fd) == 0;

    source->spool_fd = -1;
    if (!ct_perf_lives.close(source->lives, missing))
        return FALSE;
    if (*missing == NULL)
        *missing = describe_missing(source);
    return is_closed;
}

static void release_off_cpu(void *opened)
{
    struct off_cpu_source *source = opened;

    ct_perf_lives.release(source->lives);
}

const struct ct_capture_source ct_bpf_off_cpu = {
    .layer = CT_LAYER_KERNEL,
    .origin = CT_FROM_BPF,
    .tells = "whole stacks, at less cost",
    .gives = CT_GIVES_SCHED | CT_GIVES_CALLS,
    .prepare = prepare_off_cpu,
    .open = open_off_cpu,
    .begin = begin_off_cpu,
    .begin_part = begin_off_cpu_part,
    .restate = restate_off_cpu,
    .list_fds = list_off_cpu_fds,
    .drain = drain_off_cpu,
    .bring_out = bring_out_off_cpu,
    .end = end_off_cpu,
    .close = close_off_cpu,
    .release = release_off_cpu,
    .free = free_off_cpu,
};
