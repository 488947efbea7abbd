#include "closing.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* An exec that has not failed by now has succeeded. */
#define EXEC_TIME_NS UINT64_C(1000000000)

/* One board while it is written out. */
struct board {
    const struct ct_mapped_board *mapped; /* borrowed */
    const struct ct_board *data;          /* its */
    const char *title;                    /* borrowed; how it called itself last; or NULL */
    uint32_t slots;                       /* that were ever used */
    const struct ct_writer *writer;       /* borrowed */
    uint64_t ns_per_tick;
    uint64_t now_ticks;
    uint64_t now_ns;
    uint64_t begin_ticks; /* of the recording */
    uint64_t end_ns;      /* of the image, or the cut */
    gboolean is_over;
};

#define SUBJECT(board) .pid = (board)->data->pid, .process_start_ns = (board)->data->start_ns

static uint64_t ticks_to_time(const struct board *board, uint64_t ticks)
{
    if (ticks >= board->now_ticks)
        return board->now_ns;
    return board->now_ns - ct_ticks_to_ns(board->now_ticks - ticks, board->ns_per_tick);
}

/* For what is checked before it is used: the program may write to it at any moment. */
static uint32_t read_once(const uint32_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

/* The same of a whole wait. */
static struct ct_board_wait read_wait(const struct ct_board_thread *slot)
{
    struct ct_board_wait wait = {.state = atomic_load(&slot->wait.state)};
    const struct ct_board_wait *data = &slot->wait;

    wait.stack = read_once(&data->stack);
    wait.begin_ticks = __atomic_load_n(&data->begin_ticks, __ATOMIC_RELAXED);
    wait.end_ticks = __atomic_load_n(&data->end_ticks, __ATOMIC_RELAXED);
    wait.object = data->object;
    wait.site = data->site;
    wait.owner = data->owner;
    wait.result = data->result;
    wait.op = __atomic_load_n(&data->op, __ATOMIC_RELAXED);
    wait.class = __atomic_load_n(&data->class, __ATOMIC_RELAXED);
    return wait;
}

/* One that was there before the recording begins with it. */
static uint64_t wait_begin(const struct board *board, const struct ct_board_wait *wait)
{
    return ticks_to_time(board, MAX(wait->begin_ticks, board->begin_ticks));
}

/* What fits: a program may have written over the end. Caller frees. */
#define COPY_TEXT(text) g_strndup(text, sizeof(text) - 1)

static void write_process(const struct board *board)
{
    g_autofree char *exe = COPY_TEXT(board->data->exe);
    g_autofree char *args = COPY_TEXT(board->data->args);
    g_autofree char *cwd = COPY_TEXT(board->data->cwd);
    struct ct_event_process event = {
        SUBJECT(board),
        .process_end_ns = board->is_over ? board->end_ns : 0,
        .schema_version = CT_SCHEMA_VERSION,
        .rate_ns = board->data->rate_ns,
        .ppid = board->data->ppid,
        .exe = exe,
        .args = board->title != NULL ? board->title : args,
        .cwd = cwd,
    };

    board->writer->process(&event);
}

static void write_modules(const struct board *board)
{
    uint32_t count = ct_board_entries(board->mapped, CT_TABLE_LIVES, board->data->life_count);
    uint32_t modules = ct_board_entries(board->mapped, CT_TABLE_MODULES, board->data->module_count);

    for (uint32_t i = 0; i < count; i++) {
        const struct ct_board_life *life = ct_board_entry(board->mapped, CT_TABLE_LIVES, i);
        uint32_t index = life->module - 1; /* none is beyond all */
        if (index >= modules)
            continue;
        const struct ct_board_module *module =
            ct_board_entry(board->mapped, CT_TABLE_MODULES, index);
        char build_id[2 * CT_BUILD_ID_MAX + 1] = "";
        if (!module->is_ready)
            continue;
        g_autofree char *path = COPY_TEXT(module->path);
        uint32_t build_id_size = read_once(&module->build_id_size);
        for (uint32_t b = 0; b < MIN(build_id_size, CT_BUILD_ID_MAX); b++)
            g_snprintf(build_id + 2 * b, 3, "%02x", module->build_id[b]);
        struct ct_event_module event = {
            SUBJECT(board),
            .path = path,
            .build_id = build_id,
            .begin = module->begin,
            .end = module->end,
            .bias = module->bias,
            .until_ns = life->until_ns,
        };
        board->writer->module(&event);
    }
}

static void write_stack(const struct board *board, uint32_t index,
                        const struct ct_board_stack *stack, uint32_t count)
{
    uint32_t omitted_bits = MIN(stack->omitted_bits, 32);
    struct ct_event_stack event = {
        SUBJECT(board),
        .id = index,
        .addresses = {stack->addresses, count},
        .taken_ns = stack->taken_ns,
        .omitted = omitted_bits > 0 ? UINT32_C(1) << (omitted_bits - 1) : 0,
        .outermost = MIN(stack->outermost, count),
    };

    board->writer->stack(&event);
}

/* A stack of which only the innermost frame is known. */
static void write_site(const struct board *board, uint32_t index, const struct ct_board_wait *wait)
{
    struct ct_event_stack event = {
        SUBJECT(board),
        .id = index,
        .addresses = {&wait->site, 1},
        .taken_ns = wait_begin(board, wait),
    };

    board->writer->stack(&event);
}

static void write_stacks(const struct board *board)
{
    uint32_t used = ct_board_entries(board->mapped, CT_TABLE_WORDS, board->data->used_words);
    uint32_t index = 1;

    while (index < used) {
        struct ct_table_place place = ct_table_place_of(CT_TABLE_WORDS, index);
        uint32_t left = MIN(used - index, place.count - place.within);
        const struct ct_board_stack *stack = ct_board_entry(board->mapped, CT_TABLE_WORDS, index);
        uint32_t count = read_once(&stack->count);
        if (count == 0 || count > CT_STACK_MAX_FRAMES || CT_BOARD_STACK_HEADER + count > left) {
            index++; /* never filled in: the process was killed meanwhile, or the part was full */
            continue;
        }
        write_stack(board, index, stack, count);
        index += (uint32_t)CT_BOARD_STACK_HEADER + count;
    }
}

/* The kernel's name of a thread that still runs: another thread may have given it one. */
static char *thread_name(const struct board *board, const struct ct_board_thread *slot)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/task/%d/comm", board->data->pid, (int)slot->tid);
    char *name = NULL;

    /* After exec the thread is there, but has another image's name. */
    if (board->is_over || !g_file_get_contents(path, &name, NULL, NULL))
        return g_strndup(slot->name, sizeof(slot->name));
    return g_strchomp(name);
}

static void write_thread(const struct board *board, const struct ct_board_thread *slot)
{
    const struct ct_board_wait wait = read_wait(slot);
    uint64_t begin_ns = wait_begin(board, &wait);
    uint64_t class_ns[CT_CLASS_COUNT];

    memcpy(class_ns, slot->class_ns, sizeof(class_ns));
    /* The wait that it was in is not in its totals yet. */
    if (wait.state == CT_WAIT_STATE_OPEN && wait.class < CT_CLASS_COUNT && board->end_ns > begin_ns)
        class_ns[wait.class] += board->end_ns - begin_ns;
    g_autofree char *name = thread_name(board, slot);
    struct ct_event_thread event = {
        SUBJECT(board),
        .tid = slot->tid,
        .thread_start_ns = slot->start_ns,
        .entry = slot->entry,
        .name = name,
        .net_ns = class_ns[CT_CLASS_NET],
        .sync_ns = class_ns[CT_CLASS_SYNC],
        .syscall_ns = class_ns[CT_CLASS_SYSCALL],
        .sleep_ns = class_ns[CT_CLASS_SLEEP],
    };
    board->writer->thread(&event);
}

static void write_counters(const struct board *board, const struct ct_board_thread *slot)
{
    const struct ct_source source = {.vpid = board->data->pid, .vtid = slot->tid};
    uint64_t histogram[CT_HISTOGRAM_BUCKETS];

    for (unsigned op = 0; op < CT_OP_COUNT; op++) {
        const struct ct_board_counters *counters = &slot->counters[op];
        if (counters->calls == 0)
            continue;
        for (unsigned i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
            histogram[i] = counters->histogram[i];
        struct ct_event_counters event = {
            SUBJECT(board),
            .tid = slot->tid,
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
                               const struct ct_board_thread *slot)
{
    const struct ct_board_wait wait = read_wait(slot);
    gboolean is_open = wait.state == CT_WAIT_STATE_OPEN;
    uint64_t begin_ns = wait_begin(board, &wait);
    uint64_t end_ns = is_open ? board->end_ns : ticks_to_time(board, wait.end_ticks);
    uint32_t stack = wait.stack;

    if (wait.state == CT_WAIT_STATE_NONE || wait.op >= CT_OP_COUNT)
        return FALSE;
    if (stack == 0) { /* at least where the call was made */
        stack = CT_BOARD_STACK_WORDS - 1 - index;
        write_site(board, stack, &wait);
    }
    struct ct_event_inflight event = {
        SUBJECT(board),        .tid = slot->tid,
        .since_ns = begin_ns,  .duration_ns = end_ns > begin_ns ? end_ns - begin_ns : 0,
        .object = wait.object, .stack = stack,
        .owner = wait.owner,   .result = wait.result,
        .op = wait.op,         .class = wait.class,
        .is_open = is_open,
    };
    board->writer->inflight(&event);
    return TRUE;
}

static void write_board(struct ct_closing *closing, const struct board *board)
{
    const struct ct_board *data = board->data;
    uint64_t begin_ns = closing->directory->control->begin_ns; /* 0: it has not */

    closing->totals.processes++;
    closing->totals.threads += data->threads_started;
    if (board->is_over && (begin_ns == 0 || board->end_ns <= begin_ns)) {
        closing->totals.early_processes++;
        closing->totals.early_threads += data->threads_started;
    }
    closing->totals.waits += data->waits_recorded;
    closing->totals.events_lost += data->events_lost;
    closing->totals.stacks_lost += data->stacks_lost;
    closing->totals.threads_lost += data->threads_lost;
    closing->totals.modules_lost += data->modules_lost;
    for (uint32_t i = 0; i < board->slots; i++) {
        const struct ct_board_thread *slot = ct_board_thread(board->mapped, i);
        if (slot->tid > 0)
            closing->totals.waits += slot->waits_recorded;
    }
    if (board->writer == NULL)
        return;

    write_process(board);
    write_modules(board);
    write_stacks(board);
    for (uint32_t i = 0; i < board->slots; i++) {
        const struct ct_board_thread *slot = ct_board_thread(board->mapped, i);
        if (slot->tid <= 0)
            continue;
        if (write_inflight(board, i, slot))
            closing->totals.waits_at_end++;
        write_counters(board, slot);
        write_thread(board, slot);
    }
}

/* When the process ended; G_MAXUINT64 if that is not known, 0 if it has not. */
static uint64_t process_end_ns(const struct ct_closing *closing, const struct ct_board *data)
{
    uint64_t end_ns = closing->deaths != NULL ? ct_deaths_find(closing->deaths, data->pid) : 0;

    if (end_ns >= data->start_ns)
        return end_ns;
    return kill(data->pid, 0) != 0 && errno == ESRCH ? G_MAXUINT64 : 0;
}

/*
 * When the image ended, G_MAXUINT64 if that is not known; 0 if it has not, or if it might write to
 * its board again.
 */
static uint64_t image_end_ns(const struct ct_closing *closing, const struct ct_board *data,
                             uint64_t now_ns, gboolean is_cut)
{
    uint64_t said_ns = data->end_ns; /* by itself */
    uint64_t death_ns = process_end_ns(closing, data);

    if (data->state == CT_PROCESS_ALIVE || said_ns == 0)
        return death_ns;
    if (data->state == CT_PROCESS_EXECED && said_ns + EXEC_TIME_NS < now_ns)
        return said_ns;
    return death_ns != 0 || is_cut ? said_ns : 0;
}

/* When a thread last noted something on the board. */
static uint64_t last_note_ns(const struct board *board)
{
    uint64_t last_ns = board->data->start_ns;

    for (uint32_t i = 0; i < board->slots; i++) {
        const struct ct_board_wait *wait = &ct_board_thread(board->mapped, i)->wait;
        uint64_t ticks = MAX(wait->begin_ticks, wait->end_ticks);
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
        .mapped = mapped,
        .data = mapped->data,
        .title = mapped->title,
        .slots = ct_board_slots(mapped),
        .writer = closing->writer,
        .ns_per_tick = control->ns_per_tick,
        .begin_ticks = control->begin_ticks,
    };

    ct_clock_read(control, &board.now_ticks, &board.now_ns);
    board.end_ns = image_end_ns(closing, board.data, board.now_ns, is_cut);
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

void ct_closing_write_ended(struct ct_closing *closing)
{
    GPtrArray *mapped = ct_boards_update(closing->boards);

    for (guint i = mapped->len; i-- > 0;)
        if (close_board(closing, mapped->pdata[i], FALSE)) {
            ct_unseen_add_board(closing->unseen,
                                ((const struct ct_mapped_board *)mapped->pdata[i])->data);
            ct_boards_remove(closing->boards, mapped->pdata[i]);
        }
}

void ct_closing_find_unseen(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);

    for (guint i = 0; i < mapped->len; i++)
        ct_unseen_add_board(closing->unseen,
                            ((const struct ct_mapped_board *)mapped->pdata[i])->data);
}

void ct_closing_write_all(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);

    ct_boards_read_titles(closing->boards);
    for (guint i = 0; i < mapped->len; i++)
        close_board(closing, mapped->pdata[i], TRUE);
}
