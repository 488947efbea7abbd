#include "unwind.h"

#include "cfi.h"
#include "expression.h"
#include "kept_rows.h"
#include "loader.h"
#include "preload/core/memory.h"
#include "preload/core/self.h"
#include "preload/core/work_stack.h"
#include "registers.h"

#include <string.h>

/* ---- What is read of the stack. ---- */

#define PAGE_SIZE    4096
#define WINDOW_WORDS 64

/*
 * What is not on the thread's own stack may be unmapped by another thread at any moment, however
 * likely a row of a table or a frame pointer makes it that it is a frame: of that, a copy is looked
 * at. But for the page that we are on ourselves.
 */
static CT_TLS struct window {
    const char *here;
    uint64_t begin; /* of the copy */
    uint64_t size;
    uint64_t words[WINDOW_WORDS];
} * window;

static bool is_there(uint64_t address)
{
    return ct_self_stack_has(&ct_self, address) || ct_work_stack_has(&ct_self, address) ||
           (address >= (uint64_t)window->here &&
            address / PAGE_SIZE == (uint64_t)window->here / PAGE_SIZE);
}

static bool copy_from(uint64_t address)
{
    uint64_t left = PAGE_SIZE - address % PAGE_SIZE;

    window->begin = address;
    window->size = left < sizeof(window->words) ? left : sizeof(window->words);
    if (address < PAGE_SIZE || !ct_memory_copy(address, window->words, window->size))
        window->size = 0;
    return window->size != 0;
}

static bool read_word(uint64_t address, uint64_t *word)
{
    if (address % sizeof(*word) != 0)
        return false;
    if (is_there(address)) {
        *word = *(const uint64_t *)address;
        return true;
    }
    if (address - window->begin >= window->size && !copy_from(address))
        return false;
    *word = window->words[(address - window->begin) / sizeof(*word)];
    return true;
}

#define POINTERS \
    (UINT64_C(1) << CT_REGISTER_FRAME_POINTER | UINT64_C(1) << CT_REGISTER_STACK_POINTER)

/* A frame while it is unwound. */
struct walker {
    struct ct_registers registers;
    uint64_t address; /* of the instruction that is executed next in it */
    const uint64_t *frame_pointer_place;
    bool is_interrupted; /* by a signal; else it has made a call, which ends at the address */
    bool is_live;        /* tables alone have led here, from ourselves on */
    bool keeps_all;      /* registers, and goes by no kept row for that */
    bool needs_all;      /* it may have failed since it did not keep them */
};

enum step { STEP_DONE, STEP_END, STEP_FAILED };

static uint64_t stack_pointer(const struct walker *walker)
{
    return walker->registers.values[CT_REGISTER_STACK_POINTER];
}

static uint64_t frame_pointer(const struct walker *walker)
{
    return walker->registers.values[CT_REGISTER_FRAME_POINTER];
}

/* Goes on in the caller. */
static enum step go_to(struct walker *walker, uint64_t address, uint64_t caller_stack_pointer)
{
    address = ct_without_signature(address);
    if (address == 0)
        return STEP_END;
    if (address == walker->address && caller_stack_pointer == stack_pointer(walker))
        return STEP_FAILED;
    walker->address = address;
    walker->registers.values[CT_REGISTER_STACK_POINTER] = caller_stack_pointer;
    return STEP_DONE;
}

/* ---- Steps by the whole row of a table. ---- */

/* What a register is in the caller. FALSE: there is no telling. */
static bool recover(const struct walker *walker, const struct ct_cfi_row *row, unsigned number,
                    uint64_t cfa, uint64_t *value, const uint64_t **place)
{
    const struct ct_cfi_rule *rule = &row->rules[number];
    uint64_t address = cfa + (uint64_t)(int64_t)rule->value;

    *place = NULL;
    switch ((enum ct_cfi_kind)rule->kind) {
    case CT_CFI_SAME:
    case CT_CFI_REGISTER: {
        unsigned from = rule->kind == CT_CFI_SAME ? number : (unsigned)rule->value;
        if (from >= CT_REGISTER_COUNT || !ct_register_is_known(&walker->registers, from))
            return false;
        *value = walker->registers.values[from];
        if (from == CT_REGISTER_FRAME_POINTER)
            *place = walker->frame_pointer_place;
        return true;
    }
    case CT_CFI_OFFSET:
        *value = address;
        return true;
    case CT_CFI_AT_EXPRESSION:
        if (!ct_expression_evaluate(ct_cfi_expression(row, rule), &walker->registers, read_word,
                                    &cfa, &address))
            return false;
        /* fall through */
    case CT_CFI_AT_OFFSET:
        *place = (const uint64_t *)address;
        return read_word(address, value);
    case CT_CFI_EXPRESSION:
        return ct_expression_evaluate(ct_cfi_expression(row, rule), &walker->registers, read_word,
                                      &cfa, value);
    case CT_CFI_UNDEFINED:
        break;
    }
    return false;
}

static bool find_cfa(const struct walker *walker, const struct ct_cfi_row *row, uint64_t *cfa)
{
    if (row->cfa.kind == CT_CFI_EXPRESSION)
        return ct_expression_evaluate(ct_cfi_expression(row, &row->cfa), &walker->registers,
                                      read_word, NULL, cfa);
    if (row->cfa.kind != CT_CFI_OFFSET ||
        !ct_register_is_known(&walker->registers, row->cfa.number))
        return false;
    *cfa = walker->registers.values[row->cfa.number] + (uint64_t)(int64_t)row->cfa.value;
    return true;
}

static enum step step_by_row(struct walker *walker, const struct ct_cfi_row *row)
{
    struct ct_registers caller = {.known = 0};
    const uint64_t *place, *frame_pointer_place = NULL;
    uint64_t cfa, value;

    if (row->rules[row->return_register].kind == CT_CFI_UNDEFINED)
        return STEP_END;
    if (!find_cfa(walker, row, &cfa))
        return STEP_FAILED;
    for (unsigned i = 0; i < CT_REGISTER_COUNT; i++) {
        if (i == CT_REGISTER_STACK_POINTER && row->rules[i].kind == CT_CFI_SAME) {
            value = cfa;
            place = NULL;
        } else if (!recover(walker, row, i, cfa, &value, &place)) {
            continue;
        }
        caller.values[i] = value;
        caller.known |= UINT64_C(1) << i;
        if (i == CT_REGISTER_FRAME_POINTER)
            frame_pointer_place = place;
    }
    if (!ct_register_is_known(&caller, row->return_register) ||
        !ct_register_is_known(&caller, CT_REGISTER_STACK_POINTER))
        return STEP_FAILED;
    uint64_t address = caller.values[row->return_register];
    uint64_t top = caller.values[CT_REGISTER_STACK_POINTER];
    caller.values[CT_REGISTER_STACK_POINTER] = stack_pointer(walker);
    walker->registers = caller;
    walker->frame_pointer_place = frame_pointer_place;
    return go_to(walker, address, top);
}

/* As compilers make them where they keep a frame pointer, and others may. */
static enum step step_by_frame_pointer(struct walker *walker)
{
    uint64_t frame = frame_pointer(walker);
    uint64_t address, saved;

    walker->is_live = false;
    if (!ct_register_is_known(&walker->registers, CT_REGISTER_FRAME_POINTER))
        return STEP_FAILED;
    if (frame == 0)
        return STEP_END;
    if (frame < stack_pointer(walker) || !read_word(frame, &saved) ||
        !read_word(frame + sizeof(saved), &address))
        return STEP_FAILED;
    enum step step = go_to(walker, address, frame + 2 * sizeof(saved));
    walker->registers.values[CT_REGISTER_FRAME_POINTER] = saved;
    walker->registers.known = POINTERS;
    walker->frame_pointer_place = (const uint64_t *)frame;
    return step;
}

/* ---- Steps by rows that are kept. ---- */

static enum step step_by_kept(struct walker *walker, const union ct_kept_row *kept)
{
    uint64_t frame = frame_pointer(walker);
    uint64_t cfa = kept->row.cfa == CT_CFA_FROM_STACK_POINTER ? stack_pointer(walker) : frame;
    uint64_t address;

    if (kept->row.address == CT_ADDRESS_OF_NONE)
        return STEP_END;
    cfa += (uint64_t)(int64_t)kept->row.cfa_offset;
    if (kept->row.cfa == CT_CFA_AT_FRAME_POINTER && !read_word(cfa, &cfa))
        return STEP_FAILED;
    if (!read_word(cfa + (uint64_t)((int64_t)kept->row.address_offset * 8), &address))
        return STEP_FAILED;
    if (kept->row.pointer != CT_POINTER_SAME) {
        uint64_t place = kept->row.pointer == CT_POINTER_IN_FRAME ? cfa : frame;
        place += (uint64_t)((int64_t)kept->row.pointer_offset * 8);
        if (!read_word(place, &walker->registers.values[CT_REGISTER_FRAME_POINTER]))
            return STEP_FAILED;
        walker->frame_pointer_place = (const uint64_t *)place;
    }
    walker->registers.known = POINTERS;
    return go_to(walker, address, cfa);
}

/* ---- Walks. ---- */

static bool goes_by_kept(const struct walker *walker)
{
    return !walker->keeps_all && (walker->registers.known & POINTERS) == POINTERS;
}

/* The caller has entered the loader. */
static enum step step_by_found(struct walker *walker, uint64_t at, uint32_t age)
{
    struct ct_cfi_row row;
    union ct_kept_row kept = {.bits = 0};

    if (!ct_cfi_find(at, &row)) {
        kept.row.cfa = CT_NO_TABLE;
        ct_kept_row_keep(at, age, &kept);
        return step_by_frame_pointer(walker);
    }
    if (ct_kept_row_pack(&row, &kept)) {
        ct_kept_row_keep(at, age, &kept);
        if (goes_by_kept(walker))
            return step_by_kept(walker, &kept);
    }
    enum step step = step_by_row(walker, &row);
    walker->needs_all = step == STEP_FAILED && !walker->keeps_all;
    walker->is_interrupted = row.is_of_signal;
    return step;
}

static enum step step_by_table(struct walker *walker, uint64_t at)
{
    uint32_t age = atomic_load(&ct_kept_rows_age);

    if (!ct_loader_enter(walker->is_live))
        return step_by_frame_pointer(walker);
    enum step step = step_by_found(walker, at, age);
    ct_loader_leave();
    return step;
}

/* To the caller. */
static enum step step(struct walker *walker)
{
    uint64_t at = walker->address - !walker->is_interrupted;
    union ct_kept_row kept;

    walker->is_interrupted = false;
    if (!ct_kept_row_recall(at, &kept) || (kept.row.cfa != CT_NO_TABLE && !goes_by_kept(walker)))
        return step_by_table(walker, at);
    return kept.row.cfa == CT_NO_TABLE ? step_by_frame_pointer(walker)
                                       : step_by_kept(walker, &kept);
}

/* The function that calls it is where the walk begins. */
static inline __attribute__((always_inline)) void begin_walk(struct walker *walker,
                                                             struct window *copied, bool keeps_all)
{
    window = copied;
    window->here = __builtin_frame_address(0);
    window->size = 0;
    walker->address = ct_unwind_registers(walker->registers.values);
    walker->registers.known = CT_KEPT_REGISTERS;
    walker->frame_pointer_place = NULL;
    walker->is_interrupted = false;
    walker->is_live = true;
    walker->needs_all = false;
    walker->keeps_all = keeps_all;
}

struct walk {
    bool is_live;
    bool needs_all;
};

/* `stack_pointers` may be NULL. */
static __attribute__((noinline)) int walk(void **addresses, uint64_t *stack_pointers, int size,
                                          bool keeps_all, struct walk *how)
{
    struct walker walker;
    struct window copied;
    int count = 0;

    begin_walk(&walker, &copied, keeps_all);
    do {
        if (stack_pointers != NULL)
            stack_pointers[count] = stack_pointer(&walker);
        addresses[count++] = (void *)walker.address;
    } while (count < size && step(&walker) == STEP_DONE);
    *how = (struct walk){walker.is_live, walker.needs_all};
    return count;
}

int ct_unwind_with_pointers(void **addresses, uint64_t *stack_pointers, int size, bool *is_live)
{
    struct walk how;
    int count = walk(addresses, stack_pointers, size, false, &how);

    if (how.needs_all)
        count = walk(addresses, stack_pointers, size, true, &how);
    *is_live = how.is_live;
    return count;
}

int ct_unwind(void **addresses, int size, bool *is_live)
{
    return ct_unwind_with_pointers(addresses, NULL, size, is_live);
}

/* Where a walk was some steps ago, twice as many each time. What damaged tables or frames lead to
 * twice, they lead to for ever. */
struct trail {
    uint64_t address, stack_pointer;
    uint64_t steps, steps_max;
};

static bool is_in_circles(struct trail *trail, const struct walker *walker)
{
    if (walker->address == trail->address && stack_pointer(walker) == trail->stack_pointer)
        return true;
    if (++trail->steps < trail->steps_max)
        return false;
    *trail = (struct trail){walker->address, stack_pointer(walker), 0, 2 * trail->steps_max};
    return false;
}

bool ct_unwind_visit(bool (*visit)(void *user, const struct ct_frame *frame), void *user)
{
    struct walker walker;
    struct window copied;
    struct trail trail = {.steps_max = 1};
    enum step last;

    begin_walk(&walker, &copied, true);
    do {
        const struct ct_frame frame = {
            .address = walker.address,
            .stack_pointer = stack_pointer(&walker),
            .frame_pointer = frame_pointer(&walker),
            .frame_pointer_place = walker.frame_pointer_place,
            .is_interrupted = walker.is_interrupted,
        };
        if (is_in_circles(&trail, &walker) || !visit(user, &frame))
            return false;
    } while ((last = step(&walker)) == STEP_DONE);
    return last == STEP_END;
}
