#include "forked.h"

#include "preload/core/clock.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* So many entries are looked at for a free one before a new one is begun. */
#define MAX_TRIES 64

static bool take(struct ct_board_forked *forked)
{
    uint64_t is_free = CT_FORKED_FREE;

    return atomic_load_explicit(&forked->state, memory_order_relaxed) == CT_FORKED_FREE &&
           atomic_compare_exchange_strong(&forked->state, &is_free, CT_FORKED_CLAIMED);
}

static struct ct_board_forked *take_used(uint32_t end)
{
    static _Atomic uint32_t next;
    uint32_t tries = end < MAX_TRIES ? end : MAX_TRIES;

    while (tries-- > 0) {
        struct ct_board_forked *forked =
            ct_table_find(CT_TABLE_FORKED, atomic_fetch_add(&next, 1) % end);
        if (forked != NULL && take(forked))
            return forked;
    }
    return NULL;
}

/* The first entry of a page sees to memory for all that are on it. */
static bool has_memory(const struct ct_board_forked *forked)
{
    return (uintptr_t)forked % CT_BOARD_ALIGNMENT != 0 ||
           ct_memory_back(forked, CT_BOARD_ALIGNMENT);
}

struct ct_board_forked *ct_forked_claim(struct ct_board *board)
{
    uint32_t end = atomic_load(&board->forked_high_water);
    struct ct_board_forked *forked = take_used(end);

    if (forked != NULL || end >= CT_BOARD_MAX_FORKED)
        return forked;
    forked = ct_table_get(CT_TABLE_FORKED, end);
    if (forked == NULL || !has_memory(forked) ||
        !atomic_compare_exchange_strong(&board->forked_high_water, &end, end + 1) || !take(forked))
        return NULL;
    return forked;
}

void ct_forked_release(struct ct_board_forked *forked)
{
    atomic_store(&forked->state, CT_FORKED_FREE);
}

/* The start that the recorder has told of stays told. */
static void set_state(struct ct_board_forked *forked, enum ct_forked_state state)
{
    uint64_t before = atomic_load(&forked->state);

    while (!atomic_compare_exchange_weak(&forked->state, &before,
                                         (before & CT_FORKED_START_TOLD) | state))
        ;
}

bool ct_forked_begin(struct ct_board_forked *forked)
{
    if (ct_syscall(SYS_getcwd, forked->cwd, sizeof(forked->cwd)) < 0) {
        ct_forked_release(forked);
        return false;
    }
    ct_forked_rename(forked);
    forked->pid = (int32_t)ct_syscall(SYS_getpid);
    forked->exit_status = 0;
    forked->end_ns = 0;
    forked->end_ticks = 0;
    forked->start_ns = ct_now_once_ns();
    forked->start_ticks = ct_ticks_once();
    atomic_store(&forked->state, CT_FORKED_ALIVE);
    return true;
}

void ct_forked_rename(struct ct_board_forked *forked)
{
    ct_syscall(SYS_prctl, PR_GET_NAME, forked->name);
}

static void end(struct ct_board_forked *forked, enum ct_forked_state state)
{
    forked->end_ns = ct_now_once_ns();
    forked->end_ticks = ct_ticks_once();
    set_state(forked, state);
}

bool ct_forked_exec(struct ct_board_forked *forked, const char *path, const char *name,
                    enum ct_obstacle obstacle)
{
    struct ct_text text = ct_text_begin(forked->successor.name, sizeof(forked->successor.name));

    if (strnlen(path, sizeof(forked->path)) == sizeof(forked->path))
        return false;
    strcpy(forked->path, path);
    ct_text_string(&text, name);
    forked->successor.obstacle = obstacle;
    end(forked, CT_FORKED_EXECED);
    return true;
}

void ct_forked_exec_failed(struct ct_board_forked *forked)
{
    set_state(forked, CT_FORKED_ALIVE);
}

void ct_forked_exit(struct ct_board_forked *forked, int status)
{
    if ((atomic_load(&forked->state) & CT_FORKED_STATE_MASK) == CT_FORKED_EXITED)
        return;
    forked->exit_status = status;
    end(forked, CT_FORKED_EXITED);
}

bool ct_forked_move(struct ct_board_forked *forked, bool *is_told)
{
    uint64_t state = atomic_load(&forked->state);

    while ((state & CT_FORKED_STATE_MASK) == CT_FORKED_ALIVE) {
        *is_told = state & CT_FORKED_START_TOLD;
        uint64_t moving = (state & ~CT_FORKED_STATE_MASK) | CT_FORKED_MOVING;
        if (atomic_compare_exchange_weak(&forked->state, &state, moving))
            return true;
    }
    return false;
}

void ct_forked_stay(struct ct_board_forked *forked)
{
    set_state(forked, CT_FORKED_ALIVE);
}
