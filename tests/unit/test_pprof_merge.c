/* Profiles of strangers are read with every index checked, and several become one. */
#include "export/gzip.h"
#include "export/pprof_merge.h"
#include "export/pprof_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

/* A profile of two samples: work <- main, and main alone. Its parts are changed before packing. */
struct fixture {
    Pprof__Profile profile;
    Pprof__ValueType type;
    Pprof__ValueType *types[1];
    Pprof__Mapping mapping;
    Pprof__Mapping *mappings[1];
    Pprof__Function functions[2];
    Pprof__Function *function_list[2];
    Pprof__Line lines[2];
    Pprof__Line *line_lists[2][1];
    Pprof__Location locations[2];
    Pprof__Location *location_list[2];
    uint64_t stacks[2][2];
    int64_t values[2][1];
    Pprof__Label label;
    Pprof__Label *labels[1];
    Pprof__Sample samples[2];
    Pprof__Sample *sample_list[2];
};

static char *strings[] = {(char *)"",     (char *)"cpu",    (char *)"nanoseconds", (char *)"main",
                          (char *)"work", (char *)"server", (char *)"thread",      (char *)"t"};

static void fixture_init(struct fixture *fixture, uint64_t start)
{
    *fixture = (struct fixture){.profile = PPROF__PROFILE__INIT};
    pprof__value_type__init(&fixture->type);
    fixture->type.type = 1;
    fixture->type.unit = 2;
    fixture->types[0] = &fixture->type;
    pprof__mapping__init(&fixture->mapping);
    fixture->mapping.id = 9;
    fixture->mapping.memory_start = start;
    fixture->mapping.memory_limit = start + 0x1000;
    fixture->mapping.filename = 5;
    fixture->mappings[0] = &fixture->mapping;
    for (int i = 0; i < 2; i++) {
        pprof__function__init(&fixture->functions[i]);
        fixture->functions[i].id = 20 + (uint64_t)i;
        fixture->functions[i].name = 3 + i;
        fixture->function_list[i] = &fixture->functions[i];
        pprof__line__init(&fixture->lines[i]);
        fixture->lines[i].function_id = fixture->functions[i].id;
        fixture->lines[i].line = 7;
        fixture->line_lists[i][0] = &fixture->lines[i];
        pprof__location__init(&fixture->locations[i]);
        fixture->locations[i].id = 30 + (uint64_t)i;
        fixture->locations[i].mapping_id = 9;
        fixture->locations[i].address = start + 0x10 * (uint64_t)(i + 1);
        fixture->locations[i].n_line = 1;
        fixture->locations[i].line = fixture->line_lists[i];
        fixture->location_list[i] = &fixture->locations[i];
        pprof__sample__init(&fixture->samples[i]);
        fixture->samples[i].location_id = fixture->stacks[i];
        fixture->samples[i].value = fixture->values[i];
        fixture->samples[i].n_value = 1;
        fixture->sample_list[i] = &fixture->samples[i];
    }
    fixture->stacks[0][0] = 31;
    fixture->stacks[0][1] = fixture->stacks[1][0] = 30;
    fixture->samples[0].n_location_id = 2;
    fixture->samples[1].n_location_id = 1;
    fixture->values[0][0] = 30;
    fixture->values[1][0] = 10;
    pprof__label__init(&fixture->label);
    fixture->label.key = 6;
    fixture->label.str = 7;
    fixture->labels[0] = &fixture->label;
    fixture->samples[0].label = fixture->labels;
    fixture->samples[0].n_label = 1;
    fixture->profile.sample_type = fixture->types;
    fixture->profile.n_sample_type = 1;
    fixture->profile.mapping = fixture->mappings;
    fixture->profile.n_mapping = 1;
    fixture->profile.function = fixture->function_list;
    fixture->profile.n_function = 2;
    fixture->profile.location = fixture->location_list;
    fixture->profile.n_location = 2;
    fixture->profile.sample = fixture->sample_list;
    fixture->profile.n_sample = 2;
    fixture->profile.string_table = strings;
    fixture->profile.n_string_table = G_N_ELEMENTS(strings);
    fixture->profile.time_nanos = 1000 + (int64_t)start;
    fixture->profile.duration_nanos = 100;
}

static GBytes *pack(const struct fixture *fixture)
{
    gsize size = pprof__profile__get_packed_size(&fixture->profile);
    uint8_t *bytes = g_malloc(size);

    pprof__profile__pack(&fixture->profile, bytes);
    return g_bytes_new_take(bytes, size);
}

static struct ct_pprof_file *parse(const struct fixture *fixture, GError **error)
{
    g_autoptr(GBytes) bytes = pack(fixture);

    return ct_pprof_file_parse(bytes, "x.pb.gz", error);
}

static void functions_have_their_sums(void **state)
{
    struct fixture fixture;
    int64_t total;

    (void)state;
    fixture_init(&fixture, 0x400000);
    g_autoptr(ct_pprof_file) file = parse(&fixture, NULL);

    assert_non_null(file);
    assert_int_equal(ct_pprof_file_find_value(file, NULL, NULL), 0);
    assert_int_equal(ct_pprof_file_find_value(file, "space", NULL), -1);
    g_autoptr(GHashTable) sums = ct_pprof_file_sum(file, 0, &total);
    const struct ct_pprof_sum *main_sum = g_hash_table_lookup(sums, "main");
    const struct ct_pprof_sum *work_sum = g_hash_table_lookup(sums, "work");

    assert_int_equal(total, 40);
    assert_int_equal(g_hash_table_size(sums), 2);
    assert_int_equal(main_sum->flat, 10);
    assert_int_equal(main_sum->cumulative, 40);
    assert_int_equal(work_sum->flat, 30);
    assert_int_equal(work_sum->cumulative, 30);
}

/* On the stack twice, it counts once. */
static void recursion_counts_once(void **state)
{
    struct fixture fixture;
    int64_t total;

    (void)state;
    fixture_init(&fixture, 0x400000);
    fixture.stacks[0][1] = 31;
    g_autoptr(ct_pprof_file) file = parse(&fixture, NULL);
    g_autoptr(GHashTable) sums = ct_pprof_file_sum(file, 0, &total);

    assert_int_equal(((struct ct_pprof_sum *)g_hash_table_lookup(sums, "work"))->cumulative, 30);
}

#define REFUSED(change)                                                              \
    do {                                                                             \
        struct fixture fixture;                                                      \
        g_autoptr(GError) error = NULL;                                              \
                                                                                     \
        fixture_init(&fixture, 0x400000);                                            \
        change;                                                                      \
        assert_null(parse(&fixture, &error));                                        \
        assert_true(g_error_matches(error, CT_PPROF_ERROR, CT_PPROF_ERROR_DAMAGED)); \
        assert_non_null(strstr(error->message, "x.pb.gz"));                          \
    } while (0)

static void what_leads_nowhere_is_refused(void **state)
{
    (void)state;
    REFUSED(fixture.type.unit = 8);
    REFUSED(fixture.type.type = -1);
    REFUSED(fixture.profile.n_sample_type = 0);
    REFUSED(fixture.profile.default_sample_type = 99);
    REFUSED(fixture.mapping.filename = 8);
    REFUSED(fixture.mapping.id = 0);
    REFUSED(fixture.functions[1].id = 20);
    REFUSED(fixture.functions[1].name = INT64_MAX);
    REFUSED(fixture.lines[0].function_id = 99);
    REFUSED(fixture.locations[0].mapping_id = 99);
    REFUSED(fixture.locations[1].id = 30);
    REFUSED(fixture.stacks[0][0] = 99);
    REFUSED(fixture.samples[1].n_value = 0);
    REFUSED(fixture.label.str = 8);
    REFUSED(fixture.profile.n_string_table = 0);
}

static void what_is_cut_off_is_refused(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture, 0x400000);
    g_autoptr(GBytes) plain = pack(&fixture);
    g_autoptr(GBytes) packed = ct_gzip(plain, NULL);
    g_autoptr(ct_pprof_file) whole = ct_pprof_file_parse(packed, "x", NULL);

    assert_non_null(whole);
    for (gsize size = 0; size < g_bytes_get_size(packed); size++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(packed, 0, size);
        g_autoptr(GError) error = NULL;

        assert_null(ct_pprof_file_parse(part, "x", &error));
        assert_non_null(error);
    }
    g_autoptr(GError) error = NULL;

    assert_null(ct_gunzip(packed, g_bytes_get_size(plain) - 1, &error));
    assert_non_null(strstr(error->message, "larger"));
}

static struct ct_pprof_file *merge(struct ct_pprof_file *first, struct ct_pprof_file *second,
                                   GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();

    g_ptr_array_add(files, first);
    g_ptr_array_add(files, second);
    g_autoptr(GBytes) merged = ct_pprof_merge(files, NULL, error);

    return merged ? ct_pprof_file_parse(merged, "merged", error) : NULL;
}

/* A program that was loaded elsewhere is the same one. */
static void what_is_alike_is_added_up(void **state)
{
    struct fixture first, second;

    (void)state;
    fixture_init(&first, 0x500000);
    fixture_init(&second, 0x400000);
    second.values[1][0] = 5;
    g_autoptr(ct_pprof_file) old = parse(&first, NULL);
    g_autoptr(ct_pprof_file) new = parse(&second, NULL);
    g_autoptr(ct_pprof_file) merged = merge(old, new, NULL);

    assert_non_null(merged);
    assert_int_equal(merged->profile->n_sample, 2);
    assert_int_equal(merged->profile->n_mapping, 1);
    assert_int_equal(merged->profile->n_location, 2);
    assert_int_equal(merged->profile->sample[0]->value[0], 60);
    assert_int_equal(merged->profile->sample[1]->value[0], 15);
    assert_int_equal(merged->profile->sample[0]->n_label, 1);
    assert_int_equal(merged->profile->time_nanos, 1000 + 0x400000);
    assert_int_equal(merged->profile->duration_nanos, 200);
}

static void what_differs_stays_apart(void **state)
{
    struct fixture first, second;

    (void)state;
    fixture_init(&first, 0x400000);
    fixture_init(&second, 0x400000);
    second.label.str = 5;
    second.lines[0].line = 8;
    g_autoptr(ct_pprof_file) old = parse(&first, NULL);
    g_autoptr(ct_pprof_file) new = parse(&second, NULL);
    g_autoptr(ct_pprof_file) merged = merge(old, new, NULL);

    assert_int_equal(merged->profile->n_sample, 4);
    assert_int_equal(merged->profile->n_location, 3);
}

static void what_cancels_out_is_left_out(void **state)
{
    struct fixture first, second;

    (void)state;
    fixture_init(&first, 0x400000);
    fixture_init(&second, 0x400000);
    second.values[0][0] = -30;
    second.values[1][0] = INT64_MAX;
    g_autoptr(ct_pprof_file) old = parse(&first, NULL);
    g_autoptr(ct_pprof_file) new = parse(&second, NULL);
    g_autoptr(ct_pprof_file) merged = merge(old, new, NULL);

    assert_int_equal(merged->profile->n_sample, 1);
    assert_true(merged->profile->sample[0]->value[0] == INT64_MAX);
}

static void what_was_before_is_taken_away(void **state)
{
    struct fixture first, second;
    g_autoptr(GPtrArray) files = g_ptr_array_new();

    (void)state;
    fixture_init(&first, 0x400000);
    fixture_init(&second, 0x400000);
    first.values[1][0] = INT64_MIN;
    second.values[1][0] = 5;
    second.profile.duration_nanos = first.profile.duration_nanos + 50;
    g_autoptr(ct_pprof_file) before = parse(&first, NULL);
    g_autoptr(ct_pprof_file) after = parse(&second, NULL);

    g_ptr_array_add(files, after);
    g_autoptr(GBytes) bytes = ct_pprof_merge(files, before, NULL);
    g_autoptr(ct_pprof_file) delta = ct_pprof_file_parse(bytes, "delta", NULL);

    assert_int_equal(delta->profile->n_sample, 1);
    assert_true(delta->profile->sample[0]->value[0] == INT64_MAX);
    assert_int_equal(delta->profile->duration_nanos, 50);
    assert_int_equal(delta->profile->time_nanos,
                     first.profile.time_nanos + first.profile.duration_nanos);
}

static void other_kinds_are_refused(void **state)
{
    struct fixture first, second;
    g_autoptr(GError) error = NULL;

    (void)state;
    fixture_init(&first, 0x400000);
    fixture_init(&second, 0x400000);
    second.type.type = 3;
    g_autoptr(ct_pprof_file) old = parse(&first, NULL);
    g_autoptr(ct_pprof_file) new = parse(&second, NULL);

    assert_null(merge(old, new, &error));
    assert_true(g_error_matches(error, CT_PPROF_ERROR, CT_PPROF_ERROR_UNLIKE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_have_their_sums),
        cmocka_unit_test(recursion_counts_once),
        cmocka_unit_test(what_leads_nowhere_is_refused),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(what_is_alike_is_added_up),
        cmocka_unit_test(what_differs_stays_apart),
        cmocka_unit_test(what_cancels_out_is_left_out),
        cmocka_unit_test(what_was_before_is_taken_away),
        cmocka_unit_test(other_kinds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
