#include "export/gzip.h"
#include "image_fixture.h"
#include "pprof_fixture.h"
#include "profile.pb-c.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

struct fixture {
    struct ct_model *model;
    Pprof__Profile *profile; /* sync, as decoded again */
};

static Pprof__Profile *decode(GBytes *bytes)
{
    size_t size;
    const void *data = g_bytes_get_data(bytes, &size);
    Pprof__Profile *profile = pprof__profile__unpack(NULL, size, data);
    assert_non_null(profile);
    return profile;
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->model = fixture_pprof_model();
    g_autoptr(GBytes) bytes = fixture_pprof(fixture->model, CT_PROFILE_KIND_SYNC, 5);
    fixture->profile = decode(bytes);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    pprof__profile__free_unpacked(fixture->profile, NULL);
    ct_model_free(fixture->model);
    g_free(fixture);
    return 0;
}

static const char *text(const Pprof__Profile *profile, int64_t index)
{
    assert_true(index >= 0 && (size_t)index < profile->n_string_table);
    return profile->string_table[index];
}

static const Pprof__Label *find_label(const Pprof__Profile *profile, const Pprof__Sample *sample,
                                      const char *key)
{
    for (size_t i = 0; i < sample->n_label; i++)
        if (strcmp(text(profile, sample->label[i]->key), key) == 0)
            return sample->label[i];
    return NULL;
}

static const char *label_text(const Pprof__Profile *profile, const Pprof__Sample *sample,
                              const char *key)
{
    const Pprof__Label *label = find_label(profile, sample, key);
    return label ? text(profile, label->str) : "";
}

static const Pprof__Location *location_of(const Pprof__Profile *profile,
                                          const Pprof__Sample *sample, size_t depth)
{
    assert_true(depth < sample->n_location_id);
    uint64_t id = sample->location_id[depth];
    assert_true(id >= 1 && id <= profile->n_location);
    assert_int_equal(profile->location[id - 1]->id, id);
    return profile->location[id - 1];
}

static const char *function_of(const Pprof__Profile *profile, const Pprof__Location *location,
                               size_t line)
{
    assert_true(line < location->n_line);
    uint64_t id = location->line[line]->function_id;
    assert_true(id >= 1 && id <= profile->n_function);
    assert_int_equal(profile->function[id - 1]->id, id);
    return text(profile, profile->function[id - 1]->name);
}

/* The sample with a stack of more than the operation and "unknown stack". */
static const Pprof__Sample *full_sample(const Pprof__Profile *profile)
{
    for (size_t i = 0; i < profile->n_sample; i++)
        if (profile->sample[i]->n_location_id > 2)
            return profile->sample[i];
    fail();
    return NULL;
}

static void values_are_contentions_and_delay(void **state)
{
    const Pprof__Profile *profile = ((const struct fixture *)*state)->profile;

    assert_int_equal(profile->n_sample_type, 2);
    assert_string_equal(text(profile, profile->sample_type[0]->type), "contentions");
    assert_string_equal(text(profile, profile->sample_type[0]->unit), "count");
    assert_string_equal(text(profile, profile->sample_type[1]->type), "delay");
    assert_string_equal(text(profile, profile->sample_type[1]->unit), "nanoseconds");
    assert_string_equal(text(profile, profile->default_sample_type), "delay");
    assert_int_equal(profile->n_sample, 3);
    assert_int_equal(full_sample(profile)->value[0], 5);
    assert_int_equal(full_sample(profile)->value[1], 5 * FIXTURE_WAIT_NS);
    assert_int_equal(profile->time_nanos, INT64_C(1767225600000000000));
    assert_int_equal(profile->duration_nanos, INT64_C(10000000000));
    assert_string_equal(profile->string_table[0], "");
}

static void the_leaf_is_the_operation_and_inlined_frames_are_lines(void **state)
{
    const Pprof__Profile *profile = ((const struct fixture *)*state)->profile;
    const Pprof__Sample *sample = full_sample(profile);

    /* The preload's own frame is not there. */
    assert_int_equal(sample->n_location_id, 3);
    const Pprof__Location *leaf = location_of(profile, sample, 0);
    assert_int_equal(leaf->address, 0);
    assert_int_equal(leaf->mapping_id, 0);
    assert_string_equal(function_of(profile, leaf, 0), "pthread_mutex_lock");
    const Pprof__Location *caller = location_of(profile, sample, 1);
    assert_int_equal(caller->address, fixture_call_address() - 1);
    assert_int_equal(caller->n_line, 2);
    assert_string_equal(function_of(profile, caller, 0), "fixture_inlined");
    assert_string_equal(function_of(profile, caller, 1), "fixture_lock_loudly");
    assert_true(caller->line[0]->line > 0 && caller->line[1]->line > caller->line[0]->line);
    assert_string_equal(function_of(profile, location_of(profile, sample, 2), 0), "0x1f");
}

static void addresses_lie_in_their_mapping_and_the_program_is_first(void **state)
{
    const struct fixture *fixture = *state;
    const Pprof__Profile *profile = fixture->profile;
    const struct ct_process *process = fixture->model->processes->pdata[0];

    assert_true(profile->n_mapping >= 1);
    const Pprof__Mapping *program = profile->mapping[0];
    assert_string_equal(text(profile, program->filename), process->exe);
    assert_true(strlen(text(profile, program->build_id)) >= 16);
    assert_true(program->has_functions && program->has_filenames && program->has_line_numbers &&
                program->has_inline_frames);
    for (size_t i = 0; i < profile->n_location; i++) {
        const Pprof__Location *location = profile->location[i];
        if (location->mapping_id == 0)
            continue;
        assert_true(location->mapping_id <= profile->n_mapping);
        const Pprof__Mapping *mapping = profile->mapping[location->mapping_id - 1];
        assert_int_equal(mapping->id, location->mapping_id);
        assert_true(location->address >= mapping->memory_start &&
                    location->address < mapping->memory_limit);
    }
}

static void samples_are_labelled(void **state)
{
    const Pprof__Profile *profile = ((const struct fixture *)*state)->profile;
    const Pprof__Sample *sample = full_sample(profile);

    assert_string_equal(label_text(profile, sample, "process"), "shop");
    assert_string_equal(label_text(profile, sample, "thread"), "worker");
    assert_string_equal(label_text(profile, sample, "op"), "pthread_mutex_lock");
    assert_string_equal(label_text(profile, sample, "waker"), "holder");
    assert_string_equal(label_text(profile, sample, "open"), "");
    assert_int_equal(find_label(profile, sample, "tid")->num, 42);
    assert_int_equal(find_label(profile, sample, "pid")->num, 41);
    assert_non_null(strstr(label_text(profile, sample, "object"), "(fixture_lock+0x8)"));
}

static void waits_without_stack_or_end_are_there(void **state)
{
    const Pprof__Profile *profile = ((const struct fixture *)*state)->profile;
    int open = 0, ended = 0;

    for (size_t i = 0; i < profile->n_sample; i++) {
        const Pprof__Sample *sample = profile->sample[i];
        if (sample->n_location_id != 2)
            continue;
        assert_string_equal(function_of(profile, location_of(profile, sample, 1), 0),
                            "unknown stack");
        if (strcmp(label_text(profile, sample, "open"), "yes") == 0)
            open++;
        else
            ended++;
    }
    assert_int_equal(open, 1);
    assert_int_equal(ended, 1);
}

static void comments_tell_what_was_recorded_and_lost(void **state)
{
    const Pprof__Profile *profile = ((const struct fixture *)*state)->profile;
    g_autoptr(GString) all = g_string_new(NULL);

    for (size_t i = 0; i < profile->n_comment; i++)
        g_string_append_printf(all, "%s\n", text(profile, profile->comment[i]));
    assert_non_null(strstr(all->str, "command: shop --all\n"));
    assert_non_null(strstr(all->str, "layers: preload\n"));
    assert_non_null(strstr(all->str, "10.0 us"));
    assert_non_null(strstr(all->str, "3 stacks"));
}

static void a_mutex_profile_names_waiter_and_unknown_holder(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(GBytes) bytes = fixture_pprof(fixture->model, CT_PROFILE_KIND_MUTEX, 5);
    Pprof__Profile *profile = decode(bytes);
    gboolean has_unknown = FALSE;
    const Pprof__Sample *sample = full_sample(profile);

    assert_string_equal(function_of(profile, location_of(profile, sample, 0), 0),
                        "pthread_mutex_unlock");
    assert_string_equal(label_text(profile, sample, "thread"), "holder");
    assert_string_equal(label_text(profile, sample, "waiter"), "worker");
    assert_string_equal(label_text(profile, sample, "role"), "holder");
    for (size_t i = 0; i < profile->n_sample; i++)
        if (profile->sample[i]->n_location_id == 1)
            has_unknown |=
                strcmp(function_of(profile, location_of(profile, profile->sample[i], 0), 0),
                       "unknown holder") == 0;
    assert_true(has_unknown);
    pprof__profile__free_unpacked(profile, NULL);
}

static void a_system_call_without_an_operation_is_called_by_its_name(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(GBytes) bytes = fixture_pprof(fixture->model, CT_PROFILE_KIND_SYSCALL, 1);
    Pprof__Profile *profile = decode(bytes);

    assert_int_equal(profile->n_sample, 1);
    const Pprof__Location *leaf = location_of(profile, profile->sample[0], 0);
    assert_string_equal(function_of(profile, leaf, 0), "munmap");
    assert_string_equal(label_text(profile, profile->sample[0], "op"), "system call");
    assert_string_equal(label_text(profile, profile->sample[0], "object"), "munmap");
    pprof__profile__free_unpacked(profile, NULL);
}

static void names_that_are_not_utf8_are_made_so(void **state)
{
    const struct fixture *fixture = *state;
    struct ct_thread *thread = fixture->model->threads->pdata[0];
    g_free(thread->name);
    thread->name = g_strdup("w\377rker");
    g_autoptr(GBytes) bytes = fixture_pprof(fixture->model, CT_PROFILE_KIND_SYNC, 1);
    Pprof__Profile *profile = decode(bytes);

    for (size_t i = 0; i < profile->n_string_table; i++)
        assert_true(g_utf8_validate(profile->string_table[i], -1, NULL));
    pprof__profile__free_unpacked(profile, NULL);
}

static void the_same_trace_gives_the_same_bytes(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(GBytes) first = fixture_pprof(fixture->model, CT_PROFILE_KIND_SYNC, 5);
    g_autoptr(GBytes) second = fixture_pprof(fixture->model, CT_PROFILE_KIND_SYNC, 5);
    g_autoptr(GBytes) first_gzip = ct_gzip(first, NULL);
    g_autoptr(GBytes) second_gzip = ct_gzip(second, NULL);
    const uint8_t *header = g_bytes_get_data(first_gzip, NULL);

    assert_true(g_bytes_equal(first_gzip, second_gzip));
    assert_int_equal(header[0], 0x1f);
    assert_int_equal(header[1], 0x8b);
    assert_memory_equal(header + 4, "\0\0\0\0", 4); /* no time of day */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(values_are_contentions_and_delay),
        TEST(the_leaf_is_the_operation_and_inlined_frames_are_lines),
        TEST(addresses_lie_in_their_mapping_and_the_program_is_first),
        TEST(samples_are_labelled),
        TEST(waits_without_stack_or_end_are_there),
        TEST(comments_tell_what_was_recorded_and_lost),
        TEST(a_mutex_profile_names_waiter_and_unknown_holder),
        TEST(a_system_call_without_an_operation_is_called_by_its_name),
        TEST(names_that_are_not_utf8_are_made_so),
        TEST(the_same_trace_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
