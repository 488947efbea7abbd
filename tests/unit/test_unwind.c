/* The stack of a function of this very program, from its registers and a copy of its stack. */
#include "convert/unwind.h"
#include "spool/maps.h"
#include "spool/user_registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#define PID 100

/* What the kernel would have copied. */
static struct {
    uint64_t registers[CT_USER_REGISTER_COUNT];
    uint8_t stack[32768];
    size_t stack_size;
} copy;

static uint64_t stack_end;   /* of this thread's */
static struct ct_maps *maps; /* of this process */

/* Of a context, by their numbers in DWARF. */
static uint64_t saved(const ucontext_t *context, unsigned number)
{
#if defined(__x86_64__)
    static const int by_dwarf[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                   REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

    return (uint64_t)context->uc_mcontext.gregs[by_dwarf[number]];
#elif defined(__aarch64__)
    if (number == CT_DWARF_REGISTER_PC)
        return context->uc_mcontext.pc;
    return number == CT_DWARF_REGISTER_SP ? context->uc_mcontext.sp
                                          : context->uc_mcontext.regs[number];
#endif
}

/* Stacks are to be as in a program without sanitizers, and a copy takes what lies between
 * variables. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

static UNCHECKED void copy_stack(uint64_t top)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const volatile uint8_t *from = (const volatile uint8_t *)(uintptr_t)top;

    for (size_t i = 0; i < copy.stack_size; i++)
        copy.stack[i] = from[i];
}

/* In the order of perf's. */
static void copy_state(const ucontext_t *context)
{
    static const unsigned numbers[] = {
#define DWARF_NUMBER(dwarf, perf) dwarf,
        CT_USER_REGISTERS(DWARF_NUMBER)
#undef DWARF_NUMBER
    };
    uint64_t top = saved(context, CT_DWARF_REGISTER_SP);

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        copy.registers[i] = saved(context, numbers[i]);
    copy.stack_size = MIN(stack_end - top, sizeof(copy.stack));
    copy_stack(top);
}

/* Not inlined, not cloned, and not a tail call. */
#define FUNCTION    UNCHECKED __attribute__((noinline, noclone)) static int
#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

FUNCTION innermost(int depth)
{
    ucontext_t context;

    getcontext(&context);
    copy_state(&context);
    KEEP(&context);
    return depth;
}

FUNCTION middle(int depth)
{
    char room[300];

    memset(room, depth, sizeof(room));
    KEEP(room);
    return (depth > 0 ? middle(depth - 1) : innermost(depth)) + room[depth & 1];
}

FUNCTION outermost(int depth)
{
    /* Far more of the stack than is copied. */
    char room[2 * sizeof(copy.stack)];

    memset(room, depth, sizeof(room));
    KEEP(room);
    return middle(depth) + room[depth & 1];
}

static int add_own_maps(void **state)
{
    FILE *file = fopen("/proc/self/maps", "r");
    char line[4096], access[5], path[4000];
    unsigned long begin, end, offset;

    (void)state;
    maps = ct_maps_new(NULL);
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        path[0] = '\0';
        if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %3999s", &begin, &end, access, &offset, path) < 4)
            continue;
        if (strcmp(path, "[stack]") == 0)
            stack_end = end;
        if (access[2] != 'x')
            continue;
        struct ct_raw_record record = {.kind = CT_RAW_MAPPING,
                                       .as.mapping = {.pid = PID,
                                                      .begin = begin,
                                                      .size = end - begin,
                                                      .file_offset = offset,
                                                      .path = path}};

        ct_maps_add(maps, &record);
    }
    fclose(file);
    return 0;
}

static int free_maps(void **state)
{
    (void)state;
    ct_maps_free(maps);
    return 0;
}

/* The address is in the function, or just behind it. */
static int is_in(uint64_t address, int (*function)(int))
{
    return address > (uint64_t)(uintptr_t)function && address < (uint64_t)(uintptr_t)function + 300;
}

static void unwind_some(size_t stack_size, uint32_t frames, struct ct_unwound *unwound)
{
    struct ct_unwinder *unwinder = ct_unwinder_new(frames);
    struct ct_address_space space;
    const struct ct_raw_user user = {
        .registers = copy.registers, .stack = copy.stack, .stack_size = stack_size};
    struct ct_user_state state;

    assert_non_null(unwinder);
    assert_true(ct_maps_get(maps, PID, &space));
    assert_true(ct_user_state_of(&user, &state));
    ct_unwinder_run(unwinder, &space, &state, unwound);
    ct_unwinder_free(unwinder);
}

static void unwind(size_t stack_size, struct ct_unwound *unwound)
{
    unwind_some(stack_size, CT_STACK_DEFAULT_FRAMES, unwound);
}

static void all_callers_are_found(void **state)
{
    struct ct_unwound unwound;

    (void)state;
    middle(9);
    unwind(copy.stack_size, &unwound);
    assert_false(unwound.is_partial);
    assert_true(unwound.count > 12);
    assert_true(is_in(unwound.addresses[0], innermost));
    for (guint i = 1; i <= 10; i++)
        assert_true(is_in(unwound.addresses[i], middle));
}

static void stack_that_was_not_copied_whole_is_partial(void **state)
{
    struct ct_unwound unwound;

    (void)state;
    outermost(3);
    unwind(copy.stack_size, &unwound);
    assert_true(unwound.is_partial);
    assert_true(unwound.count >= 6);
    assert_true(is_in(unwound.addresses[5], outermost));
    unwind(0, &unwound);
    assert_true(unwound.is_partial);
    assert_true(unwound.count >= 1);
    assert_true(is_in(unwound.addresses[0], innermost));
}

static void both_ends_of_a_deep_stack_are_kept(void **state)
{
    struct ct_unwound whole, cut;

    (void)state;
    middle(9);
    unwind(copy.stack_size, &whole);
    unwind_some(copy.stack_size, 8, &cut);
    assert_int_equal(whole.omitted, 0);
    assert_false(cut.is_partial);
    assert_int_equal(cut.count, 8);
    assert_int_equal(cut.outermost, 2);
    assert_int_equal(cut.omitted, whole.count - 8);
    assert_memory_equal(cut.addresses, whole.addresses, 6 * sizeof(cut.addresses[0]));
    assert_memory_equal(cut.addresses + 6, whole.addresses + whole.count - 2,
                        2 * sizeof(cut.addresses[0]));
}

static void deepest_stack_is_cut(void **state)
{
    struct ct_unwound unwound;

    (void)state;
    middle(80); /* of which less is copied */
    unwind(copy.stack_size, &unwound);
    assert_true(unwound.count <= CT_STACK_MAX_FRAMES);
}

static void without_registers_there_is_no_state(void **state)
{
    const struct ct_raw_user user = {.stack = copy.stack, .stack_size = sizeof(copy.stack)};
    struct ct_user_state user_state;

    (void)state;
    assert_false(ct_user_state_of(&user, &user_state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_callers_are_found),
        cmocka_unit_test(stack_that_was_not_copied_whole_is_partial),
        cmocka_unit_test(both_ends_of_a_deep_stack_are_kept),
        cmocka_unit_test(deepest_stack_is_cut),
        cmocka_unit_test(without_registers_there_is_no_state),
    };

    return cmocka_run_group_tests(tests, add_own_maps, free_maps);
}
