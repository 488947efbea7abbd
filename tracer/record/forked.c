#include "forked.h"

#include "board_places.h"

#include <string.h>

/* The program read its clock a moment before or after we read ours. */
#define CLOCK_SLACK_NS UINT64_C(1000000000)

static size_t place_of(const struct ct_board_map *map, uint32_t index)
{
    return ct_board_map_place(map, CT_TABLE_FORKED, index);
}

static uint64_t read_state(const struct ct_board_map *map, uint32_t index)
{
    uint64_t state;

    ct_board_map_copy(map, place_of(map, index), &state, sizeof(state));
    return state;
}

uint32_t ct_forked_count(const struct ct_board_map *map)
{
    uint32_t pair[2]; /* with life_count */

    ct_board_map_copy(map, offsetof(struct ct_board, life_count), pair, sizeof(pair));
    return ct_board_map_entries(map, CT_TABLE_FORKED, pair[1]);
}

gboolean ct_forked_is_news(const struct ct_board_map *map, uint32_t index)
{
    uint64_t state = read_state(map, index);

    switch ((enum ct_forked_state)(state & CT_FORKED_STATE_MASK)) {
    case CT_FORKED_ALIVE:
        return (state & CT_FORKED_START_TOLD) == 0;
    case CT_FORKED_EXECED:
    case CT_FORKED_EXITED:
        return (state & CT_FORKED_END_TOLD) == 0;
    default:
        return FALSE;
    }
}

/* From the parent's start until now. */
static gboolean is_time_of(const struct ct_board_map *map, uint64_t ns, uint64_t now_ns)
{
    return ns >= ct_board_map_identity(map)->start_ns && ns <= now_ns + CLOCK_SLACK_NS;
}

gboolean ct_forked_read(const struct ct_board_map *map, uint32_t index, uint64_t now_ns,
                        struct ct_forked *forked)
{
    struct ct_board_forked read;

    ct_board_map_copy(map, place_of(map, index), &read, sizeof(read));
    uint64_t state = read.state;
    const struct ct_board_identity *parent = ct_board_map_identity(map);
    *forked = (struct ct_forked){
        .state = (enum ct_forked_state)(state & CT_FORKED_STATE_MASK),
        .is_start_told = (state & CT_FORKED_START_TOLD) != 0,
        .is_end_told = (state & CT_FORKED_END_TOLD) != 0,
        .identity = {.pid = read.pid,
                     .ppid = parent->pid,
                     .start_ns = read.start_ns,
                     .rate_ns = parent->rate_ns},
        .start_ticks = read.start_ticks,
        .end_ticks = read.end_ticks,
        .end_ns = read.end_ns,
        .exit_status = read.exit_status,
        .successor = {.count = 1, .obstacle = read.successor.obstacle},
    };
    memcpy(forked->successor.name, read.successor.name, sizeof(read.successor.name));
    memcpy(forked->name, read.name, sizeof(read.name));
    memcpy(forked->cwd, read.cwd, sizeof(read.cwd));
    memcpy(forked->path, read.path, sizeof(read.path));
    gboolean is_over = forked->state == CT_FORKED_EXECED || forked->state == CT_FORKED_EXITED;
    return forked->state >= CT_FORKED_ALIVE && forked->state <= CT_FORKED_EXITED && read.pid > 0 &&
           is_time_of(map, read.start_ns, now_ns) &&
           (!is_over || (is_time_of(map, read.end_ns, now_ns) && read.end_ns >= read.start_ns)) &&
           read.successor.obstacle < CT_OBSTACLE_COUNT;
}

static gboolean tell(const struct ct_board_map *map, uint32_t index, const struct ct_forked *forked,
                     uint64_t what)
{
    uint64_t state = (uint64_t)forked->state | (forked->is_start_told ? CT_FORKED_START_TOLD : 0) |
                     (forked->is_end_told ? CT_FORKED_END_TOLD : 0);

    return ct_board_map_exchange(map, place_of(map, index), state, state | what);
}

gboolean ct_forked_tell_start(const struct ct_board_map *map, uint32_t index,
                              const struct ct_forked *forked)
{
    return tell(map, index, forked, CT_FORKED_START_TOLD);
}

gboolean ct_forked_tell_end(const struct ct_board_map *map, uint32_t index,
                            const struct ct_forked *forked)
{
    return tell(map, index, forked, CT_FORKED_END_TOLD);
}

void ct_forked_free(const struct ct_board_map *map, uint32_t index)
{
    ct_board_map_store(map, place_of(map, index), CT_FORKED_FREE);
}

_Static_assert(offsetof(struct ct_board, life_count) % sizeof(uint64_t) == 0, "words");
_Static_assert(offsetof(struct ct_board, forked_high_water) ==
                   offsetof(struct ct_board, life_count) + sizeof(uint32_t),
               "a pair");
