/*
 * A profile of pprof's as the input has it, compressed or not -> what is summed up of it, and the
 * profile that it and itself become, which has twice of everything.
 */
#include "export/pprof_merge.h"
#include "export/pprof_message.h"
#include "fuzz.h"

/* Beyond this, sums may no longer be exact: they stop at the largest number. */
#define SMALL (INT64_C(1) << 40)

static gboolean has_small_values(const struct ct_pprof_file *file)
{
    for (size_t i = 0; i < file->profile->n_sample; i++) {
        int64_t value = file->profile->sample[i]->value[0];

        if (value < -SMALL || value > SMALL)
            return FALSE;
    }
    return TRUE;
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

    if (has_small_values(file))
        FUZZ_REQUIRE(doubled_total == 2 * total);
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
