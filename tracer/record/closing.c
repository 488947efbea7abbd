#include "closing.h"

#include "system/monotonic.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* An exec that has not failed by now has succeeded. */
#define EXEC_TIME_NS UINT64_C(1000000000)

/* One board while it is written out. */
struct board {
    const struct ct_board_map *map;        /* borrowed */
    const struct ct_board_identity *image; /* borrowed; its */
    struct ct_board_head head;
    const char *title;              /* borrowed; how it called itself last; or NULL */
    const struct ct_writer *writer; /* borrowed */
    uint64_t ns_per_tick;
    uint64_t now_ticks;
    uint64_t now_ns;
    uint64_t begin_ticks; /* of the recording */
    uint64_t end_ns;      /* of the image, or the cut */
    gboolean is_over;
    gboolean is_lost;
    gboolean is_damaged; /* what it counts is left out */
};

#define SUBJECT(board) .pid = (board)->image->pid, .process_start_ns = (board)->image->start_ns

/* Within the image's life. */
static uint64_t ticks_to_time(const struct board *board, uint64_t ticks)
{
    uint64_t age = board->now_ticks > ticks ? board->now_ticks - ticks : 0;
    uint64_t life_ns = board->now_ns - MIN(board->image->start_ns, board->now_ns);

    return board->now_ns - MIN(ct_ticks_to_ns(age, board->ns_per_tick), life_ns);
}

/* One that was there before the recording begins with it. */
static uint64_t wait_begin(const struct board *board, const struct ct_board_wait_copy *wait)
{
    return ticks_to_time(board, MAX(wait->begin_ticks, board->begin_ticks));
}

static void write_process(const struct board *board)
{
    g_autofree char *exe = ct_board_map_exe(board->map);
    g_autofree char *args = ct_board_map_args(board->map);
    g_autofree char *cwd = ct_board_map_cwd(board->map);
    struct ct_event_process event = {
        SUBJECT(board),
        .process_end_ns = board->is_over ? board->end_ns : 0,
        .schema_version = CT_SCHEMA_VERSION,
        .rate_ns = board->image->rate_ns,
        .ppid = board->image->ppid,
        .exe = exe,
        .args = board->title != NULL ? board->title : args,
        .cwd = cwd,
    };

    board->writer->process(&event);
}

static void write_modules(const struct board *board)
{
    struct ct_board_module_copy module;

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

static void write_stacks(const struct board *board)
{
    struct ct_board_stack_copy stack;
    uint32_t id = 1;

    while (ct_board_map_read_stack(board->map, &board->head, id, &stack)) {
        struct ct_event_stack event = {
            SUBJECT(board),
            .id = stack.id,
            .addresses = {stack.addresses, stack.count},
            .taken_ns = stack.taken_ns,
            .omitted = stack.omitted,
            .outermost = stack.outermost,
        };
        board->writer->stack(&event);
        id = ct_board_stack_next(&stack);
    }
}

/* A stack of which only the innermost frame is known. */
static void write_site(const struct board *board, uint32_t id,
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
static char *thread_name(const struct board *board, const struct ct_board_thread_copy *thread)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/task/%d/comm", board->image->pid, thread->tid);
    char *name = NULL;

    /* After exec the thread is there, but has another image's name. */
    if (board->is_over || !g_file_get_contents(path, &name, NULL, NULL))
        return g_strdup(thread->name);
    return g_strchomp(name);
}

static void write_thread(const struct board *board, const struct ct_board_thread_copy *thread)
{
    const struct ct_board_wait_copy *wait = &thread->wait;
    uint64_t begin_ns = wait_begin(board, wait);
    uint64_t class_ns[CT_CLASS_COUNT] = {0};

    if (!board->is_damaged)
        memcpy(class_ns, thread->class_ns, sizeof(class_ns));
    /* The wait that it was in is not in its totals yet. */
    if (wait->state == CT_WAIT_STATE_OPEN && board->end_ns > begin_ns)
        class_ns[wait->class] += board->end_ns - begin_ns;
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

static void write_counters(const struct board *board, const struct ct_board_thread_copy *thread)
{
    const struct ct_source source = {.vpid = board->image->pid, .vtid = thread->tid};
    uint64_t histogram[CT_HISTOGRAM_BUCKETS];

    for (unsigned op = 0; op < CT_OP_COUNT; op++) {
        const struct ct_board_counters *counters = &thread->counters[op];
        if (counters->calls == 0)
            continue;
        for (unsigned i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
            histogram[i] = counters->histogram[i];
        struct ct_event_counters event = {
            SUBJECT(board),
            .tid = thread->tid,
            .op = (uint8_t)op,
            .calls = counters->calls,
            .total_ns = counters->total_ns,
            .histogram = {histogram, CT_HISTOGRAM_BUCKETS},
        };
        board->writer->counters(&source, &event);
    }
}

/* TRUE if it is in a wait. */
static gboolean write_inflight(const struct board *board, uint32_t index,
                               const struct ct_board_thread_copy *thread)
{
    const struct ct_board_wait_copy *wait = &thread->wait;
    gboolean is_open = wait->state == CT_WAIT_STATE_OPEN;
    uint64_t begin_ns = wait_begin(board, wait);
    uint64_t end_ns = is_open ? board->end_ns : ticks_to_time(board, wait->end_ticks);
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
    return TRUE;
}

/* How many waits its threads have recorded; and whether all that they count can be. */
static uint64_t count_waits(struct board *board)
{
    struct ct_board_thread_copy thread;
    uint64_t waits = board->head.waits_recorded;

    for (uint32_t i = 0; i < board->head.slots; i++) {
        if (!ct_board_map_read_thread(board->map, i, board->now_ns, &thread))
            continue;
        waits += thread.waits_recorded;
        board->is_damaged = board->is_damaged || thread.is_damaged;
    }
    board->is_damaged = board->is_damaged || ct_board_map_is_broken(board->map);
    return waits;
}

static void add_totals(struct ct_closing *closing, struct board *board)
{
    struct ct_closing_totals *totals = &closing->totals;
    const struct ct_board_head *head = &board->head;
    uint64_t begin_ns = closing->directory->control->begin_ns; /* 0: it has not */
    gboolean is_early = board->is_over && (begin_ns == 0 || board->end_ns <= begin_ns);
    uint64_t waits = count_waits(board);

    totals->processes++;
    totals->early_processes += is_early;
    if (board->is_damaged) {
        ct_boards_note_damaged(closing->boards, board->image->pid);
        return;
    }
    totals->threads += head->threads_started;
    totals->early_threads += is_early ? head->threads_started : 0;
    totals->waits += waits;
    totals->events_lost += head->events_lost;
    totals->stacks_lost += head->stacks_lost;
    totals->threads_lost += head->threads_lost;
    totals->modules_lost += head->modules_lost;
    totals->held_up_ns += head->held_up_ns;
}

static void write_board(struct ct_closing *closing, struct board *board)
{
    struct ct_board_thread_copy thread;

    add_totals(closing, board);
    if (board->writer == NULL)
        return;
    write_process(board);
    if (board->is_lost)
        return;
    write_modules(board);
    write_stacks(board);
    for (uint32_t i = 0; i < board->head.slots; i++) {
        if (!ct_board_map_read_thread(board->map, i, board->now_ns, &thread))
            continue;
        if (write_inflight(board, i, &thread) && !board->is_damaged)
            closing->totals.waits_at_end++;
        if (!board->is_damaged)
            write_counters(board, &thread);
        write_thread(board, &thread);
    }
}

/* When the process ended; G_MAXUINT64 if that is not known, 0 if it has not. */
static uint64_t process_end_ns(const struct ct_closing *closing,
                               const struct ct_board_identity *image)
{
    uint64_t end_ns = closing->deaths != NULL ? ct_deaths_find(closing->deaths, image->pid) : 0;

    if (end_ns >= image->start_ns)
        return end_ns;
    return kill(image->pid, 0) != 0 && errno == ESRCH ? G_MAXUINT64 : 0;
}

/*
 * When the image ended, G_MAXUINT64 if that is not known; 0 if it has not, or if it might write to
 * its board again.
 */
static uint64_t image_end_ns(const struct ct_closing *closing, const struct board *board,
                             gboolean is_cut)
{
    const struct ct_board_head *head = &board->head;
    uint64_t said_ns = head->end_ns; /* by itself */
    uint64_t death_ns = process_end_ns(closing, board->image);

    if (head->state == CT_PROCESS_ALIVE || said_ns == 0)
        return death_ns;
    if (head->state == CT_PROCESS_EXECED && said_ns + EXEC_TIME_NS < board->now_ns)
        return said_ns;
    return death_ns != 0 || is_cut ? said_ns : 0;
}

/* When a thread last noted something on the board. */
static uint64_t last_note_ns(const struct board *board)
{
    uint64_t last_ns = board->image->start_ns;
    struct ct_board_wait_copy wait;

    for (uint32_t i = 0; i < board->head.slots; i++) {
        ct_board_map_read_wait(board->map, i, &wait);
        uint64_t ticks = MAX(wait.begin_ticks, wait.end_ticks);
        if (ticks != 0)
            last_ns = MAX(last_ns, ticks_to_time(board, ticks));
    }
    return last_ns;
}

/* The board with its ends. */
static struct board look_at(const struct ct_closing *closing, const struct ct_mapped_board *mapped,
                            gboolean is_cut)
{
    const struct ct_control *control = closing->directory->control;
    struct board board = {
        .map = mapped->map,
        .image = ct_board_map_identity(mapped->map),
        .title = mapped->title,
        .writer = closing->writer,
        .ns_per_tick = control->ns_per_tick,
        .begin_ticks = control->begin_ticks,
        .is_lost = mapped->is_lost,
    };

    ct_clock_read(control, &board.now_ticks, &board.now_ns);
    ct_board_map_read_head(board.map, board.now_ns, &board.head);
    board.is_damaged = board.head.is_damaged || board.is_lost;
    board.end_ns = image_end_ns(closing, &board, is_cut);
    board.is_over = board.end_ns != 0;
    if (board.end_ns == G_MAXUINT64 && closing->deaths == NULL)
        board.end_ns = MAX(closing->watched_until_ns, last_note_ns(&board));
    if (board.end_ns == 0 || board.end_ns > board.now_ns)
        board.end_ns = board.now_ns;
    board.end_ns = MIN(board.end_ns, closing->cut_ns);
    return board;
}

uint64_t ct_closing_find_end_ns(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);
    uint64_t end_ns = 0;

    for (guint i = 0; i < mapped->len; i++)
        end_ns = MAX(end_ns, look_at(closing, mapped->pdata[i], TRUE).end_ns);
    return end_ns;
}

/* TRUE if the board was written. */
static gboolean close_board(struct ct_closing *closing, const struct ct_mapped_board *mapped,
                            gboolean is_cut)
{
    struct board board = look_at(closing, mapped, is_cut);

    /* What it wrote just before its end is for the next time. */
    if (!is_cut && (!board.is_over || !ct_board_is_drained(mapped)))
        return FALSE;
    write_board(closing, &board);
    return TRUE;
}

static void add_unpreloaded(struct ct_closing *closing, const struct ct_mapped_board *mapped)
{
    if (!mapped->is_lost)
        ct_unpreloaded_add_board(closing->unpreloaded, mapped->map, ct_monotonic_ns());
}

void ct_closing_write_ended(struct ct_closing *closing)
{
    GPtrArray *mapped = ct_boards_update(closing->boards);

    for (guint i = mapped->len; i-- > 0;)
        if (close_board(closing, mapped->pdata[i], FALSE)) {
            add_unpreloaded(closing, mapped->pdata[i]);
            ct_boards_remove(closing->boards, mapped->pdata[i]);
        }
}

void ct_closing_drop_ended(struct ct_closing *closing, uint64_t since_ns, guint kept)
{
    GPtrArray *mapped = ct_boards_update(closing->boards);

    for (guint i = mapped->len; i-- > 0;) {
        struct ct_mapped_board *mapped_board = mapped->pdata[i];
        struct board board = look_at(closing, mapped_board, FALSE);

        if (!board.is_over || (board.image->start_ns < since_ns && mapped->len <= kept))
            continue;
        board.writer = NULL;
        write_board(closing, &board);
        add_unpreloaded(closing, mapped_board);
        ct_boards_remove(closing->boards, mapped_board);
    }
}

void ct_closing_find_unpreloaded(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);

    for (guint i = 0; i < mapped->len; i++)
        add_unpreloaded(closing, mapped->pdata[i]);
}

void ct_closing_write_all(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);

    ct_boards_read_titles(closing->boards);
    for (guint i = 0; i < mapped->len; i++)
        close_board(closing, mapped->pdata[i], TRUE);
}
