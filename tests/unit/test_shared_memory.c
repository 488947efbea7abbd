/* Memory that is shared with programs, when there is much of it to be given back. */
#include "board_map.h"
#include "shared_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those before it. */
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MEMORIES = 64, KEPT = 20, SIZE = 131072 };

static const uint64_t WORD = 4711;

/* What was unmapped. */
struct piece {
    const char *begin;
    size_t size;
};

static GArray *pieces; /* NULL: nobody asks */

int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);

int __wrap_munmap(void *address, size_t size)
{
    const struct piece piece = {address, size};

    if (pieces != NULL)
        g_array_append_val(pieces, piece);
    return __real_munmap(address, size);
}

static struct ct_shared_memory *map_one(void)
{
    int fd = memfd_create("shared", MFD_CLOEXEC);

    assert_int_equal(ftruncate(fd, SIZE), 0);
    struct ct_shared_memory *memory = ct_shared_memory_map(fd, SIZE);
    close(fd);
    assert_non_null(memory);
    ct_shared_memory_store(memory, 0, WORD);
    return memory;
}

static void many_are_unmapped_in_as_few_pieces_as_there_are(void **state)
{
    g_autoptr(GPtrArray) memories = g_ptr_array_new();
    size_t size = 0;
    uint64_t word;

    (void)state;
    for (guint i = 0; i < MEMORIES; i++)
        g_ptr_array_add(memories, map_one());
    struct ct_shared_memory *kept = g_ptr_array_remove_index_fast(memories, KEPT);
    pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    ct_shared_memory_unmap_all(memories);
    for (guint i = 0; i < pieces->len; i++) {
        const struct piece *piece = &g_array_index(pieces, struct piece, i);

        size += piece->size;
        for (guint k = 0; k < pieces->len; k++)
            assert_ptr_not_equal(g_array_index(pieces, struct piece, k).begin,
                                 piece->begin + piece->size);
    }
    assert_int_equal(size, (size_t)(MEMORIES - 1) * SIZE);
    ct_shared_memory_copy(kept, 0, &word, sizeof(word));
    assert_int_equal(word, WORD);
    g_array_unref(g_steal_pointer(&pieces));
    ct_shared_memory_unmap(kept);
}

static void none_is_nothing_to_unmap(void **state)
{
    g_autoptr(GPtrArray) memories = g_ptr_array_new();

    (void)state;
    pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    ct_shared_memory_unmap_all(memories);
    assert_int_equal(pieces->len, 0);
    g_array_unref(g_steal_pointer(&pieces));
}

/* ---- Codes on boards. ---- */

static gboolean is_code(struct ct_board_code *code, uint32_t count, const char *bytes, size_t size)
{
    static struct ct_board_stack_copy stack;

    memset(&stack, 'x', sizeof(stack));
    stack.count = count;
    memcpy(&stack.addresses[1], bytes, size);
    stack.addresses[0] = 7;
    return ct_board_stack_code(&stack, code);
}

/* Both strings end within the words that there are. */
static void a_code_without_an_end_is_none(void **state)
{
    struct ct_board_code code;

    (void)state;
    assert_true(is_code(&code, 2, "f\0p.py\0", 7));
    assert_string_equal(code.function, "f");
    assert_string_equal(code.file, "p.py");
    assert_int_equal(code.first_line, 7);
    assert_true(is_code(&code, 2, "ffffff\0", 8));
    assert_string_equal(code.file, "");
    assert_false(is_code(&code, 1, "f\0p\0", 4));
    assert_false(is_code(&code, 2, "fffffff\0\0", 9));
    assert_false(is_code(&code, 2, "f\0p.pyyy\0", 9));
    assert_false(is_code(&code, CT_STACK_MAX_FRAMES, "f", 1));
    assert_false(is_code(&code, CT_STACK_MAX_FRAMES, "f\0p", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_unmapped_in_as_few_pieces_as_there_are),
        cmocka_unit_test(none_is_nothing_to_unmap),
        cmocka_unit_test(a_code_without_an_end_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
