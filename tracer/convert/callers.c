#include "callers.h"

#include "known_stacks.h"
#include "spool/off_cpu.h"
#include "unwind.h"

#include <string.h>

/* Of tasks at one instruction. The more there are of them, the longer it takes to find one. */
#define ROUTES_MAX 32

/* Unless it is set otherwise: perf_event_max_stack. */
#define CHAIN_MAX 127

#define WORD sizeof(uint64_t)

/* From where the place is counted at which the next return address stands, beyond what was copied.
 */
enum next_base {
    NEXT_UNKNOWN,
    NEXT_FROM_STACK_POINTER,
    NEXT_FROM_FRAME_POINTER,
    NEXT_FROM_SAVED /* frame pointer, which stands at that offset from the stack pointer */
};

/*
 * Where the unwind tables lead, from one instruction on. Tables take a thousand times longer than a
 * look at whether the same return addresses stand at the same places again: then they lead the same
 * way.
 */
struct route {
    uint64_t *addresses; /* owned; `count` of each */
    uint64_t *offsets;   /* owned; from the stack pointer, where they stand */
    guint count;
    gboolean is_whole;
    enum next_base next_base;
    uint64_t next_offset; /* from there */
};

/* What else makes a difference. */
struct route_key {
    uint64_t version; /* of the address space */
    uint64_t instruction;
    uint64_t frame_offset; /* of the frame pointer, from the stack pointer, if that was copied */
};

struct ct_callers {
    struct ct_unwinder *unwinder;  /* owned; NULL: there are no tables on this machine */
    GHashTable *routes;            /* owned; struct route_key * -> GArray of struct route */
    struct ct_known_stacks *known; /* owned */
    struct ct_unwound unwound;
    uint32_t stack_frames; /* so many are kept */
    uint64_t chain_max;    /* so many frames the kernel finds by frame pointers */
    GArray *all;           /* owned; uint64_t, the frames of the current stack */
    gboolean is_partial;   /* they are not all */
};

/* ---- Routes ---- */

static guint key_hash(const void *data)
{
    const struct route_key *key = data;
    uint64_t mixed = (key->version * 31 + key->instruction) * 31 + key->frame_offset;

    return (guint)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static gboolean key_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct route_key)) == 0;
}

static void clear_route(void *data)
{
    struct route *route = data;

    g_free(route->addresses);
    g_free(route->offsets);
}

static void unref_routes(void *data)
{
    g_array_unref(data);
}

static uint64_t read_chain_max(void)
{
    g_autofree char *text = NULL;
    guint64 max = CHAIN_MAX;

    if (g_file_get_contents("/proc/sys/kernel/perf_event_max_stack", &text, NULL, NULL))
        g_ascii_string_to_unsigned(g_strstrip(text), 10, 1, G_MAXUINT32, &max, NULL);
    return max;
}

struct ct_callers *ct_callers_new(uint32_t stack_frames)
{
    struct ct_callers *callers = g_new0(struct ct_callers, 1);

    callers->stack_frames = stack_frames;
    callers->chain_max = read_chain_max();
    callers->all = g_array_new(FALSE, FALSE, WORD);
    /* All it can keep: more may follow by frame pointers. */
    callers->unwinder = ct_unwinder_new(CT_STACK_MAX_FRAMES);
    callers->known = ct_known_stacks_new();
    callers->routes = g_hash_table_new_full(key_hash, key_equal, g_free, unref_routes);
    return callers;
}

void ct_callers_free(struct ct_callers *callers)
{
    if (callers == NULL)
        return;
    ct_unwinder_free(callers->unwinder);
    g_hash_table_unref(callers->routes);
    ct_known_stacks_free(callers->known);
    g_array_unref(callers->all);
    g_free(callers);
}

static struct route_key key_of(const struct ct_address_space *space,
                               const struct ct_user_state *state)
{
    return (struct route_key){
        .version = space->version,
        .instruction = state->registers[CT_DWARF_REGISTER_PC],
        .frame_offset =
            MIN(state->registers[CT_DWARF_REGISTER_FP] - state->stack_begin, state->stack_size),
    };
}

static GArray *find_routes(const struct ct_callers *callers, const struct route_key *key)
{
    return g_hash_table_lookup(callers->routes, key);
}

/* The place of the next return address; 0 if it is not known. */
static uint64_t next_place(const struct route *route, const struct ct_user_state *state)
{
    uint64_t saved;

    switch (route->next_base) {
    case NEXT_FROM_STACK_POINTER:
        return state->stack_begin + route->next_offset;
    case NEXT_FROM_FRAME_POINTER:
        return state->registers[CT_DWARF_REGISTER_FP] + WORD;
    case NEXT_FROM_SAVED:
        return ct_user_state_read(state, state->stack_begin + route->next_offset, &saved)
                   ? saved + WORD
                   : 0;
    default:
        return 0;
    }
}

static void note_next(struct route *route, const struct ct_user_state *state, uint64_t place)
{
    uint64_t saved;

    if (place == 0)
        return;
    if (place == state->registers[CT_DWARF_REGISTER_FP] + WORD) {
        route->next_base = NEXT_FROM_FRAME_POINTER;
        return;
    }
    for (uint64_t at = state->stack_begin; ct_user_state_read(state, at, &saved); at += WORD) {
        if (saved + WORD == place) {
            route->next_base = NEXT_FROM_SAVED;
            route->next_offset = at - state->stack_begin;
            return;
        }
    }
    route->next_base = NEXT_FROM_STACK_POINTER;
    route->next_offset = place - state->stack_begin;
}

static gboolean leads_on(const struct route *route, const struct ct_user_state *state)
{
    uint64_t word;

    for (guint i = 1; i < route->count; i++) {
        if (!ct_user_state_read(state, state->stack_begin + route->offsets[i], &word) ||
            word != route->addresses[i])
            return FALSE;
    }
    /* What was not copied then may be now. */
    return route->next_base == NEXT_UNKNOWN ||
           !ct_user_state_read(state, next_place(route, state), &word);
}

static void recall(const struct route *route, const struct ct_user_state *state,
                   struct ct_unwound *unwound)
{
    unwound->count = route->count;
    unwound->omitted = 0;
    unwound->outermost = 0;
    unwound->is_partial = !route->is_whole;
    unwound->next_place = next_place(route, state);
    for (guint i = 0; i < route->count; i++) {
        unwound->addresses[i] = route->addresses[i];
        unwound->places[i] = i > 0 ? state->stack_begin + route->offsets[i] : 0;
    }
}

/* A return address in a register is not looked at again, and neither is one that was left out. */
static gboolean can_be_kept(const struct ct_unwound *unwound)
{
    for (guint i = 1; i < unwound->count; i++) {
        if (unwound->places[i] == 0)
            return FALSE;
    }
    return unwound->omitted == 0;
}

static void keep(struct ct_callers *callers, const struct route_key *key,
                 const struct ct_user_state *state, const struct ct_unwound *unwound)
{
    GArray *routes = find_routes(callers, key);
    struct route route = {
        .count = unwound->count,
        .is_whole = !unwound->is_partial,
    };

    if (!can_be_kept(unwound))
        return;
    note_next(&route, state, unwound->next_place);
    if (routes == NULL) {
        routes = g_array_new(FALSE, FALSE, sizeof(struct route));
        g_array_set_clear_func(routes, clear_route);
        g_hash_table_insert(callers->routes, g_memdup2(key, sizeof(*key)), routes);
    }
    route.addresses = g_memdup2(unwound->addresses, unwound->count * WORD);
    route.offsets = g_new(uint64_t, unwound->count);
    for (guint i = 0; i < unwound->count; i++)
        route.offsets[i] = unwound->places[i] - state->stack_begin;
    if (routes->len == ROUTES_MAX)
        g_array_remove_index_fast(routes, 0);
    g_array_append_val(routes, route);
}

/* By the tables, as far as the copy of the stack goes. */
static void unwind(struct ct_callers *callers, const struct ct_address_space *space,
                   const struct ct_user_state *state)
{
    const struct route_key key = key_of(space, state);
    const GArray *routes = find_routes(callers, &key);

    for (guint i = 0; routes != NULL && i < routes->len; i++) {
        const struct route *route = &g_array_index(routes, struct route, i);

        if (leads_on(route, state)) {
            recall(route, state, &callers->unwound);
            return;
        }
    }
    ct_unwinder_run(callers->unwinder, space, state, &callers->unwound);
    /* Inside of a system call: its instruction is the one before. */
    callers->unwound.addresses[0] = key.instruction;
    keep(callers, &key, state, &callers->unwound);
}

/* ---- Stacks ---- */

/* Of more than are kept, the innermost and, if they are there, the outermost. `omitted` were left
 * out already. */
static void keep_ends(const struct ct_callers *callers, struct ct_callers_stack *stack,
                      uint32_t omitted, gboolean has_outermost)
{
    const GArray *all = callers->all;
    uint32_t limit = MIN(callers->stack_frames, all->len);
    uint32_t left_out = all->len - limit + omitted;
    uint32_t outermost = has_outermost && left_out > 0 ? CT_STACK_OUTERMOST(limit) : 0;
    uint32_t innermost = limit - outermost;

    stack->count = limit;
    stack->omitted = ct_stack_omitted(left_out);
    stack->outermost = outermost;
    if (innermost > 0)
        memcpy(stack->addresses, all->data, innermost * WORD);
    if (outermost > 0)
        memcpy(stack->addresses + innermost, all->data + (all->len - outermost) * WORD,
               outermost * WORD);
}

/* By frame pointers: return addresses from that one on. */
static void append_chain(struct ct_callers *callers, struct ct_callers_stack *stack,
                         const struct ct_raw_record *raw, uint64_t first)
{
    uint64_t count = raw->as.callers.count;
    gboolean is_whole = count < callers->chain_max;
    uint32_t omitted = callers->all->len > 0 ? callers->unwound.omitted : 0;

    if (first < count)
        g_array_append_vals(callers->all, raw->as.callers.addresses + first,
                            (guint)(count - first));
    /* At least one more is beyond what the kernel finds. */
    keep_ends(callers, stack, omitted + (is_whole ? 0 : 1), is_whole);
    stack->is_by_frame_pointers = count > 0;
    stack->is_partial = count == 0;
}

/* Which of the kernel's return addresses is the first that stands at `place` or beyond. */
static uint64_t find_in_chain(const struct ct_raw_record *raw, const struct ct_user_state *state,
                              uint64_t place)
{
    uint64_t frame = state->registers[CT_DWARF_REGISTER_FP];
    uint64_t i = 1;

    /* Where they stand is known as long as the frames are in the copy. */
    for (gboolean is_known = TRUE; is_known && i < raw->as.callers.count && frame + WORD < place;
         i++)
        is_known = ct_user_state_read(state, frame, &frame);
    return i;
}

static void take_unwound(const struct ct_callers *callers)
{
    g_array_set_size(callers->all, 0);
    g_array_append_vals(callers->all, callers->unwound.addresses, callers->unwound.count);
}

static struct ct_known_place place_of(const struct ct_raw_record *raw,
                                      const struct ct_user_state *state)
{
    return (struct ct_known_place){
        .tid = raw->tid,
        .instruction = state->registers[CT_DWARF_REGISTER_PC],
        .stack_pointer = state->registers[CT_DWARF_REGISTER_SP],
        .argument = state->registers[CT_DWARF_REGISTER_ARGUMENT],
    };
}

/* Beyond what was copied, by what is known of the thread. FALSE: by frame pointers, if at all. */
static gboolean complete(struct ct_callers *callers, const struct ct_raw_record *raw,
                         const struct ct_user_state *state)
{
    const struct ct_unwound *unwound = &callers->unwound;
    const struct ct_known_place place = place_of(raw, state);

    if (raw->as.callers.count > 0)
        return FALSE;
    if (ct_known_stacks_append(callers->known, &place, unwound->next_place, callers->all,
                               &callers->is_partial))
        return TRUE;
    if (state->stack_size > CT_OFF_CPU_KNOWN_STACK_SIZE)
        ct_known_stacks_keep(callers->known, &place, unwound);
    return FALSE;
}

static void take_stack(struct ct_callers *callers, const struct ct_address_space *space,
                       const struct ct_raw_record *raw, struct ct_callers_stack *stack)
{
    const struct ct_unwound *unwound = &callers->unwound;
    struct ct_user_state state;

    g_array_set_size(callers->all, 0);
    if (space == NULL || callers->unwinder == NULL ||
        !ct_user_state_of(&raw->as.callers.user, &state)) {
        append_chain(callers, stack, raw, 0);
        return;
    }
    unwind(callers, space, &state);
    take_unwound(callers);
    callers->is_partial = FALSE;
    if (unwound->is_partial && !complete(callers, raw, &state)) {
        uint64_t place = unwound->next_place != 0 ? unwound->next_place
                         : unwound->count > 1     ? unwound->places[unwound->count - 1] + WORD
                                                  : state.stack_begin;

        append_chain(callers, stack, raw, find_in_chain(raw, &state, place));
        return;
    }
    const struct ct_known_place place = place_of(raw, &state);

    if (!unwound->is_partial)
        ct_known_stacks_keep(callers->known, &place, unwound);
    keep_ends(callers, stack, unwound->omitted, !callers->is_partial);
    stack->is_by_frame_pointers = FALSE;
    stack->is_partial = callers->is_partial;
}

void ct_callers_of_switch(struct ct_callers *callers, const struct ct_address_space *space,
                          const struct ct_raw_record *raw, struct ct_callers_stack *stack)
{
    take_stack(callers, space, raw, stack);
    if (raw->as.callers.is_at_first && stack->count > 0)
        stack->addresses[0]++; /* as after a call */
}

void ct_callers_of_present(struct ct_callers *callers, const struct ct_address_space *space,
                           const struct ct_raw_record *raw, struct ct_callers_stack *stack)
{
    const struct ct_spool_task *task = &raw->as.present.of;
    struct ct_user_state state = ct_user_state_at(task->instruction, task->stack_pointer);

    stack->count = 0;
    if (callers->unwinder == NULL || task->stack_pointer == 0 || space->is_32_bit)
        return;
    state.stack = raw->as.present.stack;
    state.stack_size = task->stack_size;
    ct_unwinder_run(callers->unwinder, space, &state, &callers->unwound);
    callers->unwound.addresses[0] = task->instruction;
    const struct ct_known_place place = {.tid = task->tid,
                                         .instruction = task->instruction,
                                         .stack_pointer = task->stack_pointer,
                                         .argument = task->arguments[0]};

    if (!callers->unwound.is_partial)
        ct_known_stacks_keep(callers->known, &place, &callers->unwound);
    take_unwound(callers);
    keep_ends(callers, stack, callers->unwound.omitted, TRUE);
    stack->is_by_frame_pointers = FALSE;
    stack->is_partial = callers->unwound.is_partial;
}

struct ct_kernel_callstack_user ct_callers_event(const struct ct_callers_stack *stack, int32_t tid)
{
    return (struct ct_kernel_callstack_user){
        .tid = tid,
        .is_by_frame_pointers = stack->is_by_frame_pointers != 0,
        .is_partial = stack->is_partial != 0,
        .addresses = {stack->addresses, stack->count},
        .omitted = stack->omitted,
        .outermost = stack->outermost,
    };
}

void ct_callers_fill(const struct ct_callers_stack *stack, const struct ct_raw_record *raw,
                     struct ct_kernel_record *record)
{
    if (raw->kind == CT_RAW_CALLERS) {
        record->event = CT_KERNEL_ID_CALLSTACK_USER;
        record->as.callstack_user = ct_callers_event(stack, raw->tid);
        return;
    }
    const struct ct_kernel_callstack_user of_waker =
        ct_callers_event(stack, raw->as.callers.woken_tid);

    record->event = CT_KERNEL_ID_CALLSTACK_WAKER;
    record->as.callstack_waker = (struct ct_kernel_callstack_waker){
        .tid = of_waker.tid,
        .is_by_frame_pointers = of_waker.is_by_frame_pointers,
        .is_partial = of_waker.is_partial,
        .addresses = of_waker.addresses,
        .omitted = of_waker.omitted,
        .outermost = of_waker.outermost,
    };
}
