/*
 * A profile of pprof's as the input has it, compressed or not -> what is summed up of it, and the
 * profile that it and itself become, which has twice of everything.
 */
#include "export/pprof_merge.h"
#include "fuzz.h"

/* Beyond this, sums are no longer exact: they stop at the largest number. */
#define SMALL (INT64_C(1) << 40)

static gboolean has_small_sums(GHashTable *sums, int64_t total)
{
    GHashTableIter each;
    void *value;

    g_hash_table_iter_init(&each, sums);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct ct_pprof_sum *sum = value;

        if (ABS(sum->flat / 2) > SMALL || ABS(sum->cumulative / 2) > SMALL)
            return FALSE;
    }
    return ABS(total / 2) <= SMALL;
}

static void check_doubled(const struct ct_pprof_file *file)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    int64_t total, doubled_total;

    g_ptr_array_add(files, (void *)file);
    g_ptr_array_add(files, (void *)file);
    g_autoptr(GBytes) bytes = ct_pprof_merge(files, NULL, NULL);

    FUZZ_REQUIRE(bytes != NULL);
    g_autoptr(ct_pprof_file) doubled = ct_pprof_file_parse(bytes, "doubled", NULL);

    FUZZ_REQUIRE(doubled != NULL);
    FUZZ_REQUIRE(ct_pprof_file_sample_count(doubled) <= ct_pprof_file_sample_count(file));
    g_autoptr(GHashTable) sums = ct_pprof_file_sum(file, 0, &total);
    g_autoptr(GHashTable) doubled_sums = ct_pprof_file_sum(doubled, 0, &doubled_total);

    if (has_small_sums(sums, total) && has_small_sums(doubled_sums, doubled_total))
        FUZZ_REQUIRE(doubled_total == 2 * total || doubled_total == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_pprof_file) file = ct_pprof_file_parse(bytes, "input", &error);

    FUZZ_REQUIRE((file == NULL) == (error != NULL));
    if (file == NULL)
        return 0;
    int value = ct_pprof_file_find_value(file, NULL, NULL);

    FUZZ_REQUIRE(value >= 0 && ct_pprof_file_value_name(file, value) != NULL);
    check_doubled(file);
    return 0;
}
