#include "closing.h"

#include "board_heap.h"
#include "forked.h"
#include "system/monotonic.h"

#include <errno.h>
#include <signal.h>

/* An exec that has not failed by now has succeeded. */
#define EXEC_TIME_NS UINT64_C(1000000000)

/* How many waits its threads have recorded, how many of those are still there, and whether all that
 * they count can be. */
static uint64_t count_waits(struct ct_closed_board *board, uint64_t *threads)
{
    struct ct_board_thread_copy thread;
    uint64_t waits = board->head.waits_recorded;

    *threads = 0;
    for (uint32_t i = 0; i < board->head.slots; i++) {
        if (!ct_board_map_read_thread(board->map, i, board->now_ns, &thread))
            continue;
        waits += thread.waits_recorded;
        ++*threads;
        board->is_damaged = board->is_damaged || thread.is_damaged;
    }
    board->is_damaged = board->is_damaged || ct_board_map_is_broken(board->map);
    return waits;
}

/* What is left of a recording whose first part is gone has no such ones. */
static gboolean is_before_begin(const struct ct_closing *closing, gboolean is_over, uint64_t end_ns)
{
    const struct ct_control *control = closing->directory->control;

    return is_over && control->dropped == 0 &&
           (control->begin_ns == 0 || end_ns <= control->begin_ns);
}

static void add_totals(struct ct_closing *closing, struct ct_closed_board *board)
{
    struct ct_closing_totals *totals = &closing->totals;
    const struct ct_board_head *head = &board->head;
    gboolean is_early = is_before_begin(closing, board->is_over, board->end_ns);
    uint64_t living;
    uint64_t waits = count_waits(board, &living);

    totals->processes++;
    totals->early_processes += is_early;
    if (board->is_damaged) {
        ct_boards_note_damaged(closing->boards, board->image->pid);
        return;
    }
    totals->threads += head->threads_started;
    totals->early_threads += is_early ? head->threads_started : 0;
    totals->unexited_threads += living;
    totals->waits += waits;
    totals->events_lost += head->events_lost;
    totals->stacks_lost += head->stacks_lost;
    totals->threads_lost += head->threads_lost;
    totals->modules_lost += head->modules_lost;
    totals->held_up_ns += head->held_up_ns;
}

static void write_board(struct ct_closing *closing, struct ct_closed_board *board)
{
    add_totals(closing, board);
    if (closing->written != NULL)
        ct_written_forget_image(closing->written, board->image->pid);
    if (board->writer == NULL)
        return;
    ct_closed_board_write_process(board, NULL);
    if (board->is_lost)
        return;
    ct_closed_board_write_modules(board, closing->has_kernel);
    ct_closed_board_write_stacks(board);
    ct_board_heap_write(board);
    guint waits = ct_closed_board_write_threads(board, board->is_damaged ? NULL : closing->written);
    if (!board->is_damaged)
        closing->totals.waits_at_end += waits;
}

/* ---- When it ended. ---- */

/* When the process ended; G_MAXUINT64 if that is not known, 0 if it has not. */
static uint64_t process_end_ns(const struct ct_closing *closing,
                               const struct ct_board_identity *image)
{
    uint64_t end_ns = closing->deaths != NULL ? ct_deaths_find(closing->deaths, image->pid) : 0;

    if (end_ns >= image->start_ns)
        return end_ns;
    return !closing->are_copies && kill(image->pid, 0) != 0 && errno == ESRCH ? G_MAXUINT64 : 0;
}

/*
 * When the image ended, G_MAXUINT64 if that is not known; 0 if it has not, or if it might write to
 * its board again.
 */
static uint64_t image_end_ns(const struct ct_closing *closing, const struct ct_closed_board *board,
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
static uint64_t last_note_ns(const struct ct_closed_board *board)
{
    uint64_t last_ns = board->image->start_ns;
    struct ct_board_wait_copy wait;

    for (uint32_t i = 0; i < board->head.slots; i++) {
        ct_board_map_read_wait(board->map, i, &wait);
        uint64_t ticks = MAX(wait.begin_ticks, wait.end_ticks);
        if (ticks != 0)
            last_ns = MAX(last_ns, ct_closed_board_time(board, ticks));
    }
    return last_ns;
}

/* The board with its ends. */
static struct ct_closed_board look_at(const struct ct_closing *closing,
                                      const struct ct_mapped_board *mapped, gboolean is_cut)
{
    const struct ct_control *control = closing->directory->control;
    struct ct_closed_board board = {
        .map = mapped->map,
        .image = ct_board_map_identity(mapped->map),
        .title = mapped->title,
        .heap_history = mapped->heap_history,
        .writer = closing->writer,
        .ns_per_tick = control->ns_per_tick,
        .begin_ticks = control->begin_ticks,
        .is_lost = mapped->is_lost,
        .has_parts = closing->has_parts,
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

/* ---- Children without a board. ---- */

/* When the child ended, 0 if it has not; G_MAXUINT64: nobody knows when. */
static uint64_t forked_end_ns(struct ct_closing *closing, const struct ct_forked *forked,
                              uint64_t now_ns, gboolean is_cut)
{
    if (forked->state == CT_FORKED_EXITED ||
        (forked->state == CT_FORKED_EXECED && forked->end_ns + EXEC_TIME_NS < now_ns))
        return forked->end_ns;
    uint64_t death_ns = process_end_ns(closing, &forked->identity);
    if (forked->state == CT_FORKED_EXECED && (death_ns != 0 || is_cut))
        return forked->end_ns;
    if (death_ns == 0 && closing->deaths != NULL)
        ct_deaths_watch_process(closing->deaths, forked->identity.pid);
    return death_ns;
}

static void write_forked(struct ct_closing *closing, const struct ct_mapped_board *parent,
                         const struct ct_forked *forked, uint64_t end_ns)
{
    gboolean is_early = is_before_begin(closing, end_ns != 0, end_ns);
    struct ct_closed_board board = {
        .map = parent->map,
        .image = &forked->identity,
        .title = parent->title,
        .writer = closing->writer,
        .end_ns = end_ns,
        .is_over = end_ns != 0,
        .has_parts = closing->has_parts,
    };
    struct ct_event_thread thread = {
        .pid = forked->identity.pid,
        .process_start_ns = forked->identity.start_ns,
        .tid = forked->identity.pid,
        .thread_start_ns = forked->identity.start_ns,
        .name = forked->name,
    };

    closing->totals.processes++;
    closing->totals.threads++;
    closing->totals.unexited_threads++;
    closing->totals.early_processes += is_early;
    closing->totals.early_threads += is_early;
    if (board.writer == NULL)
        return;
    ct_closed_board_write_process(&board, forked->cwd);
    if (closing->has_kernel && !parent->is_lost) {
        ct_board_map_read_head(parent->map, end_ns, &board.head);
        ct_closed_board_write_modules(&board, TRUE);
    }
    board.writer->thread(&thread);
}

static void add_successor(struct ct_closing *closing, const struct ct_forked *forked)
{
    if (forked->state == CT_FORKED_EXECED)
        ct_unpreloaded_add_successor(closing->unpreloaded, forked->identity.pid, forked->end_ns,
                                     &forked->successor);
}

/* Of it, what is written when. */
enum round {
    ROUND_ENDED,   /* those that are over, and whose events were */
    ROUND_DROPPED, /* those that are over, but only counted */
    ROUND_CUT,     /* all; they stay */
};

/* Is it told of on a board of its own? Of one that is over, none is still to come. */
static gboolean has_moved(struct ct_closing *closing, const struct ct_forked *forked,
                          gboolean is_over)
{
    const struct ct_board_identity *child = &forked->identity;

    if (forked->state != CT_FORKED_MOVING)
        return FALSE;
    if (is_over && !ct_boards_have(closing->boards, child->pid, child->start_ns)) {
        ct_boards_look_again(closing->boards);
        ct_boards_update(closing->boards);
    }
    return ct_boards_have(closing->boards, child->pid, child->start_ns);
}

/* TRUE if the child still needs the board. */
static gboolean close_child(struct ct_closing *closing, const struct ct_mapped_board *parent,
                            uint32_t index, enum round round)
{
    const uint64_t now_ns = ct_monotonic_ns();
    struct ct_forked forked;

    if (!ct_forked_read(parent->map, index, now_ns, &forked))
        return FALSE;
    uint64_t end_ns = forked_end_ns(closing, &forked, now_ns, round == ROUND_CUT);
    if (end_ns != 0) { /* only now it says its last */
        if (!ct_forked_read(parent->map, index, ct_monotonic_ns(), &forked))
            return FALSE;
        end_ns = forked_end_ns(closing, &forked, now_ns, round == ROUND_CUT);
    }
    if (has_moved(closing, &forked, end_ns != 0)) {
        ct_forked_free(parent->map, index);
        return FALSE;
    }
    if (round != ROUND_CUT && end_ns == 0)
        return TRUE;
    if (round == ROUND_ENDED && ct_forked_is_news(parent->map, index))
        return TRUE;
    if (end_ns == G_MAXUINT64)
        end_ns = closing->deaths == NULL ? closing->watched_until_ns : now_ns;
    write_forked(closing, parent, &forked, MIN(end_ns, closing->cut_ns));
    if (round == ROUND_CUT)
        return TRUE;
    add_successor(closing, &forked);
    ct_forked_free(parent->map, index);
    return FALSE;
}

/* TRUE if there are some that still need it. */
static gboolean close_children(struct ct_closing *closing, const struct ct_mapped_board *parent,
                               enum round round)
{
    uint32_t count = parent->is_lost ? 0 : ct_forked_count(parent->map);
    gboolean is_needed = FALSE;

    for (uint32_t i = 0; i < count; i++)
        is_needed |= close_child(closing, parent, i, round);
    return is_needed;
}

/* ---- All of them. ---- */

/* TRUE if the board was written. */
static gboolean close_board(struct ct_closing *closing, const struct ct_mapped_board *mapped,
                            gboolean is_cut)
{
    struct ct_closed_board board = look_at(closing, mapped, is_cut);

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

/* Once all children have been looked for on those that there are. */
static void remove_boards(struct ct_closing *closing, const GPtrArray *over)
{
    for (guint i = 0; i < over->len; i++)
        ct_boards_remove(closing->boards, over->pdata[i]);
}

void ct_closing_write_ended(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);
    g_autoptr(GPtrArray) over = g_ptr_array_new();

    for (guint i = mapped->len; i-- > 0;) {
        struct ct_mapped_board *board = mapped->pdata[i];

        if (close_children(closing, board, ROUND_ENDED) || !close_board(closing, board, FALSE))
            continue;
        add_unpreloaded(closing, board);
        g_ptr_array_add(over, board);
    }
    remove_boards(closing, over);
}

void ct_closing_drop_ended(struct ct_closing *closing, uint64_t since_ns, guint kept)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);
    g_autoptr(GPtrArray) over = g_ptr_array_new();

    for (guint i = mapped->len; i-- > 0;) {
        struct ct_mapped_board *mapped_board = mapped->pdata[i];
        struct ct_closed_board board = look_at(closing, mapped_board, FALSE);

        if (close_children(closing, mapped_board, ROUND_DROPPED) || !board.is_over ||
            (board.image->start_ns < since_ns && mapped->len - over->len <= kept))
            continue;
        board.writer = NULL;
        write_board(closing, &board);
        add_unpreloaded(closing, mapped_board);
        g_ptr_array_add(over, mapped_board);
    }
    remove_boards(closing, over);
}

void ct_closing_find_unpreloaded(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);
    struct ct_forked forked;

    for (guint i = 0; i < mapped->len; i++) {
        const struct ct_mapped_board *board = mapped->pdata[i];
        uint32_t count = board->is_lost ? 0 : ct_forked_count(board->map);

        add_unpreloaded(closing, board);
        for (uint32_t k = 0; k < count; k++)
            if (ct_forked_read(board->map, k, ct_monotonic_ns(), &forked))
                add_successor(closing, &forked);
    }
}

void ct_closing_write_all(struct ct_closing *closing)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);

    ct_boards_read_titles(closing->boards);
    for (guint i = 0; i < mapped->len; i++) {
        close_children(closing, mapped->pdata[i], ROUND_CUT);
        close_board(closing, mapped->pdata[i], TRUE);
    }
}

/* ---- What goes on. ---- */

static void add_living(GArray *living, const struct ct_board_identity *image)
{
    const struct ct_image_key key = {.pid = image->pid, .start_ns = image->start_ns};

    g_array_append_val(living, key);
}

static void restate_children(struct ct_closing *closing, const struct ct_mapped_board *parent,
                             GArray *living)
{
    uint32_t count = parent->is_lost ? 0 : ct_forked_count(parent->map);
    const uint64_t now_ns = ct_monotonic_ns();
    const struct ct_closing_totals totals = closing->totals;
    struct ct_forked forked;

    for (uint32_t i = 0; i < count; i++) {
        if (!ct_forked_read(parent->map, i, now_ns, &forked) || !forked.is_start_told ||
            has_moved(closing, &forked, FALSE))
            continue;
        write_forked(closing, parent, &forked, 0);
        if (forked_end_ns(closing, &forked, now_ns, FALSE) == 0)
            add_living(living, &forked.identity);
    }
    closing->totals = totals;
}

size_t ct_closing_restate(struct ct_closing *closing, GArray *living)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);
    size_t size = 0;

    closing->has_parts = TRUE;
    for (guint i = 0; i < mapped->len; i++) {
        const struct ct_mapped_board *board = mapped->pdata[i];
        struct ct_closed_board closed = look_at(closing, board, FALSE);

        restate_children(closing, board, living);
        if (closed.is_lost)
            continue;
        size += ct_closed_board_restate(&closed, NULL, closing->written);
        if (!closed.is_over)
            add_living(living, closed.image);
    }
    return size;
}

void ct_closing_sum(struct ct_closing *closing, struct ct_closing_totals *totals)
{
    const GPtrArray *mapped = ct_boards_update(closing->boards);

    *totals = closing->totals;
    for (guint i = 0; i < mapped->len; i++) {
        const struct ct_closed_board board = look_at(closing, mapped->pdata[i], FALSE);

        totals->events_lost += board.head.events_lost;
        totals->stacks_lost += board.head.stacks_lost;
        totals->threads_lost += board.head.threads_lost;
        totals->modules_lost += board.head.modules_lost;
        totals->held_up_ns += board.head.held_up_ns;
    }
}
