#include "closed_board.h"

#include "schema/packed_event.h"

#include <string.h>

#define SUBJECT(board) .pid = (board)->image->pid, .process_start_ns = (board)->image->start_ns

uint64_t ct_closed_board_time(const struct ct_closed_board *board, uint64_t ticks)
{
    uint64_t age = board->now_ticks > ticks ? board->now_ticks - ticks : 0;
    uint64_t life_ns = board->now_ns - MIN(board->image->start_ns, board->now_ns);

    return board->now_ns - MIN(ct_ticks_to_ns(age, board->ns_per_tick), life_ns);
}

/* One that was there before the recording begins with it. */
static uint64_t wait_begin(const struct ct_closed_board *board,
                           const struct ct_board_wait_copy *wait)
{
    return ct_closed_board_time(board, MAX(wait->begin_ticks, board->begin_ticks));
}

void ct_closed_board_write_process(const struct ct_closed_board *board, const char *cwd)
{
    g_autofree char *exe = ct_board_map_exe(board->map);
    g_autofree char *args = ct_board_map_args(board->map);
    g_autofree char *own_cwd = cwd == NULL ? ct_board_map_cwd(board->map) : NULL;
    struct ct_event_process event = {
        SUBJECT(board),
        .process_end_ns = board->is_over ? board->end_ns : 0,
        .schema_version = board->has_parts ? CT_SCHEMA_VERSION_PARTS : CT_SCHEMA_VERSION,
        .rate_ns = board->image->rate_ns,
        .ppid = board->image->ppid,
        .exe = exe,
        .args = board->title != NULL ? board->title : args,
        .cwd = cwd != NULL ? cwd : own_cwd,
    };

    board->writer->process(&event);
}

/* Stacks, entries of threads, or what it waits in. */
static gboolean has_addresses(const struct ct_closed_board *board)
{
    struct ct_board_wait_copy wait;

    if (board->head.words > 1 || board->head.threads_started > 1)
        return TRUE;
    for (uint32_t i = 0; i < board->head.slots; i++) {
        ct_board_map_read_wait(board->map, i, &wait);
        if (wait.state != CT_WAIT_STATE_NONE)
            return TRUE;
    }
    return FALSE;
}

void ct_closed_board_write_modules(const struct ct_closed_board *board, gboolean has_kernel)
{
    struct ct_board_module_copy module;

    if (!has_kernel && !has_addresses(board))
        return;
    for (uint32_t i = 0; i < board->head.lives; i++) {
        if (!ct_board_map_read_module(board->map, &board->head, i, &module))
            continue;
        struct ct_event_module event = {
            SUBJECT(board),
            .path = module.path,
            .build_id = module.build_id,
            .begin = module.begin,
            .end = module.end,
            .bias = module.bias,
            .until_ns = module.until_ns,
        };
        board->writer->module(&event);
    }
}

static void write_stack(const struct ct_closed_board *board,
                        const struct ct_board_stack_copy *stack)
{
    struct ct_event_stack event = {
        SUBJECT(board),
        .id = stack->id,
        .addresses = {stack->addresses, stack->count},
        .taken_ns = stack->taken_ns,
        .omitted = stack->omitted,
        .outermost = stack->outermost,
    };

    board->writer->stack(&event);
}

static void write_code(const struct ct_closed_board *board, const struct ct_board_stack_copy *stack)
{
    struct ct_board_code code;

    if (!ct_board_stack_code(stack, &code))
        return;
    struct ct_event_code event = {
        SUBJECT(board),
        .id = stack->id,
        .function = code.function,
        .file = code.file,
        .first_line = code.first_line,
    };
    board->writer->code(&event);
}

void ct_closed_board_write_stacks(const struct ct_closed_board *board)
{
    struct ct_board_stack_copy stack;
    uint32_t id = 1;

    while (ct_board_map_read_stack(board->map, &board->head, id, &stack)) {
        if (stack.is_code)
            write_code(board, &stack);
        else
            write_stack(board, &stack);
        id = ct_board_stack_next(&stack);
    }
}

/* A stack of which only the innermost frame is known. */
static void write_site(const struct ct_closed_board *board, uint32_t id,
                       const struct ct_board_wait_copy *wait)
{
    struct ct_event_stack event = {
        SUBJECT(board),
        .id = id,
        .addresses = {&wait->site, 1},
        .taken_ns = wait_begin(board, wait),
    };

    board->writer->stack(&event);
}

/* The kernel's name of a thread that still runs: another thread may have given it one. */
static char *thread_name(const struct ct_closed_board *board,
                         const struct ct_board_thread_copy *thread)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/task/%d/comm", board->image->pid, thread->tid);
    char *name = NULL;

    /* After exec the thread is there, but has another image's name. */
    if (board->is_over || !g_file_get_contents(path, &name, NULL, NULL))
        return g_strdup(thread->name);
    return g_strchomp(name);
}

/* Of the wait that it is in, which is not in its totals yet. */
static uint64_t waiting_ns(const struct ct_closed_board *board,
                           const struct ct_board_wait_copy *wait)
{
    uint64_t begin_ns = wait_begin(board, wait);

    return wait->state == CT_WAIT_STATE_OPEN && board->end_ns > begin_ns ? board->end_ns - begin_ns
                                                                         : 0;
}

static void write_thread(const struct ct_closed_board *board,
                         const struct ct_board_thread_copy *thread)
{
    const struct ct_board_wait_copy *wait = &thread->wait;
    uint64_t class_ns[CT_CLASS_COUNT] = {0};

    if (!board->is_damaged)
        memcpy(class_ns, thread->class_ns, sizeof(class_ns));
    class_ns[wait->class] += waiting_ns(board, wait);
    g_autofree char *name = thread_name(board, thread);
    struct ct_event_thread event = {
        SUBJECT(board),
        .tid = thread->tid,
        .thread_start_ns = thread->start_ns,
        .entry = thread->entry,
        .name = name,
        .net_ns = class_ns[CT_CLASS_NET],
        .sync_ns = class_ns[CT_CLASS_SYNC],
        .syscall_ns = class_ns[CT_CLASS_SYSCALL],
        .sleep_ns = class_ns[CT_CLASS_SLEEP],
    };
    board->writer->thread(&event);
}

/* `more_ns`: how long it has been in a wait that is not in its counters yet. Returns about how much
 * that took. */
static size_t write_counters(const struct ct_closed_board *board,
                             const struct ct_board_thread_copy *thread, uint64_t more_ns)
{
    const struct ct_source source = {.vpid = board->image->pid, .vtid = thread->tid};
    uint64_t histogram[CT_HISTOGRAM_BUCKETS];
    size_t size = 0;

    for (unsigned op = 0; op < CT_OP_COUNT; op++) {
        const struct ct_board_counters *counters = &thread->counters[op];
        const uint64_t open_ns = op == thread->wait.op ? more_ns : 0;
        if (counters->calls == 0 && open_ns == 0)
            continue;
        for (unsigned i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
            histogram[i] = counters->histogram[i];
        struct ct_event_counters event = {
            SUBJECT(board),
            .tid = thread->tid,
            .op = (uint8_t)op,
            .calls = counters->calls,
            .total_ns = counters->total_ns + open_ns,
            .histogram = {histogram, CT_HISTOGRAM_BUCKETS},
        };
        board->writer->counters(&source, &event);
        size += CT_EVENT_HEAD_SIZE + ct_packed_size_counters(&event);
    }
    return size;
}

/* TRUE if it is in a wait, up to *until_ns. */
static gboolean write_inflight(const struct ct_closed_board *board, uint32_t index,
                               const struct ct_board_thread_copy *thread, uint64_t *until_ns)
{
    const struct ct_board_wait_copy *wait = &thread->wait;
    gboolean is_open = wait->state == CT_WAIT_STATE_OPEN;
    uint64_t begin_ns = wait_begin(board, wait);
    uint64_t end_ns = is_open ? board->end_ns : ct_closed_board_time(board, wait->end_ticks);
    uint32_t stack = wait->stack;

    if (wait->state == CT_WAIT_STATE_NONE)
        return FALSE;
    if (stack == 0) { /* at least where the call was made */
        stack = CT_BOARD_STACK_WORDS - 1 - index;
        write_site(board, stack, wait);
    }
    struct ct_event_inflight event = {
        SUBJECT(board),         .tid = thread->tid,
        .since_ns = begin_ns,   .duration_ns = end_ns > begin_ns ? end_ns - begin_ns : 0,
        .object = wait->object, .stack = stack,
        .owner = wait->owner,   .result = wait->result,
        .op = wait->op,         .class = wait->class,
        .is_open = is_open,
    };
    board->writer->inflight(&event);
    *until_ns = MAX(begin_ns, end_ns);
    return TRUE;
}

guint ct_closed_board_write_threads(const struct ct_closed_board *board, struct ct_written *written)
{
    struct ct_board_thread_copy thread;
    uint64_t until_ns = 0;
    guint waits = 0;

    for (uint32_t i = 0; i < board->head.slots; i++) {
        if (!ct_board_map_read_thread(board->map, i, board->now_ns, &thread))
            continue;
        if (write_inflight(board, i, &thread, &until_ns)) {
            waits++;
            if (written != NULL)
                ct_written_add_open_wait(written, until_ns);
        }
        if (!board->is_damaged)
            write_counters(board, &thread, 0);
        write_thread(board, &thread);
    }
    return waits;
}

/* Of the event of a process, and of one of its threads. */
#define PROCESS_SIZE 512
#define THREAD_SIZE  128

size_t ct_closed_board_restate(const struct ct_closed_board *board, const char *cwd,
                               struct ct_written *written)
{
    struct ct_board_thread_copy thread;
    size_t size = PROCESS_SIZE;

    ct_closed_board_write_process(board, cwd);
    for (uint32_t i = 0; i < board->head.slots; i++) {
        if (!ct_board_map_read_thread(board->map, i, board->now_ns, &thread))
            continue;
        if (!board->is_damaged)
            size += write_counters(board, &thread, waiting_ns(board, &thread.wait));
        write_thread(board, &thread);
        ct_written_restate_thread(written, board->image->pid, thread.tid);
        size += THREAD_SIZE;
    }
    return size;
}
