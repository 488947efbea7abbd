/* Lookups in the model, and how numbers are written for people. */
#include "model/activity.h"
#include "model/alike.h"
#include "model/capture_notes.h"
#include "model/format.h"
#include "schema/capture_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void names_of_one_kind_differ_in_numbers_alone(void **state)
{
    (void)state;
    g_autofree char *merged = ct_names_merge("io-7-of-12", "io-12-of-12");

    assert_string_equal(merged, "io-*-of-12");
    assert_true(ct_names_are_alike(merged, "io-100-of-12"));
    assert_true(ct_names_are_alike("worker-9", "worker-10"));
    assert_false(ct_names_are_alike("worker-9", "worker-"));
    assert_false(ct_names_are_alike("worker-9", "worker-9a"));
    assert_false(ct_names_are_alike("reader-1", "writer-1"));
}

static void durations_have_three_digits_and_a_unit(void **state)
{
    static const struct {
        uint64_t duration_ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {9994, "9.99 us"},
        {9996, "10.0 us"},
        {12345, "12.3 us"},
        {999499, "999 us"},
        {999500, "1.00 ms"},
        {12345678, "12.3 ms"},
        {999500000, "1.00 s"},
        {4050000000, "4.05 s"},
        {99400000000, "99.4 s"},
        {99600000000, "1m 40s"},
        {200000000000, "3m 20s"},
        {3599400000000, "59m 59s"},
        {3599600000000, "1h 00m"},
        {7500000000000, "2h 05m"},
        {UINT64_MAX, "5124095h 34m"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = ct_format_duration(cases[i].duration_ns);

        assert_string_equal(text, cases[i].text);
    }
}

static void counts_have_their_thousands_separated(void **state)
{
    static const struct {
        uint64_t count;
        const char *text;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = ct_format_count(cases[i].count);

        assert_string_equal(text, cases[i].text);
    }
}

static void objects_say_what_they_are(void **state)
{
    struct ct_fd fd = {.fd = 7,
                       .kind = CT_FD_KIND_SOCKET_INET,
                       .local = (char *)"127.0.0.1:6379",
                       .peer = (char *)"127.0.0.1:50112"};
    const struct {
        struct ct_interval interval;
        const char *text;
    } cases[] = {
        {{.op = CT_OP_MUTEX_LOCK, .object = 0x7f00}, "mutex 0x7f00"},
        {{.op = CT_OP_READ, .object = 7, .fd = &fd},
         "fd 7 inet socket 127.0.0.1:6379 -> 127.0.0.1:50112"},
        {{.op = CT_OP_READ, .object = 7}, "fd 7"},
        {{.op = CT_OP_POLL, .object = 1}, "1 descriptor"},
        {{.op = CT_OP_WAITPID, .object = (uint64_t)-1}, "any child"},
        {{.op = CT_OP_THREAD_JOIN, .object = 0x7fff00000000}, "thread 0x7fff00000000"},
        {{.op = CT_OP_NANOSLEEP}, ""},
        {{.op = CT_OP_OTHER_SYSCALL, .object = 1, .call_name = "munmap"}, "munmap"},
        {{.op = CT_OP_OTHER_SYSCALL, .object = UINT64_MAX}, ""},
        {{.op = CT_OP_OTHER_SYSCALL}, ""},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = ct_format_object(&cases[i].interval);

        assert_string_equal(text, cases[i].text);
    }
}

static void a_call_is_told_with_what_it_was_for(void **state)
{
    static const struct {
        enum ct_op op;
        const char *object, *text;
    } cases[] = {
        {CT_OP_READ, "fd 7", "read on fd 7"},
        {CT_OP_NANOSLEEP, "", "nanosleep"},
        {CT_OP_OTHER_SYSCALL, "munmap", "system call munmap"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            ct_format_call(cases[i].op, ct_op_name(cases[i].op), cases[i].object);

        assert_string_equal(text, cases[i].text);
    }
}

static void add_module(struct ct_process *process, uint64_t begin, uint64_t end)
{
    struct ct_module *module = g_new0(struct ct_module, 1);

    module->path = g_strdup("");
    module->begin = begin;
    module->end = end;
    g_ptr_array_add(process->modules, module);
}

static void module_is_found_by_any_address_inside_it(void **state)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_process *process = ct_model_add_process(model, 1, 0, 0);

    (void)state;
    assert_null(ct_process_module(process, 0x100, 0));
    add_module(process, 0x300, 0x400);
    add_module(process, 0x100, 0x200);
    ct_model_sort(model);
    assert_null(ct_process_module(process, 0xff, 0));
    assert_int_equal(ct_process_module(process, 0x100, 0)->begin, 0x100);
    assert_int_equal(ct_process_module(process, 0x1ff, 0)->begin, 0x100);
    assert_null(ct_process_module(process, 0x200, 0));
    assert_int_equal(ct_process_module(process, 0x3ff, 0)->begin, 0x300);
    assert_null(ct_process_module(process, 0x400, 0));
}

static void modules_that_took_turns_are_told_apart_by_time(void **state)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_process *process = ct_model_add_process(model, 1, 0, 0);

    (void)state;
    add_module(process, 0x100, 0x300);
    ((struct ct_module *)process->modules->pdata[0])->until_ns = 10;
    add_module(process, 0x200, 0x500);
    ((struct ct_module *)process->modules->pdata[1])->until_ns = 20;
    add_module(process, 0x100, 0x300);
    ct_model_sort(model);
    assert_int_equal(ct_process_module(process, 0x250, 9)->until_ns, 10);
    assert_int_equal(ct_process_module(process, 0x250, 10)->until_ns, 20);
    assert_int_equal(ct_process_module(process, 0x250, 20)->until_ns, 0);
    assert_int_equal(ct_process_module(process, 0x250, UINT64_MAX)->until_ns, 0);
    assert_int_equal(ct_process_module(process, 0x450, 5)->until_ns, 20);
    assert_null(ct_process_module(process, 0x450, 20));
}

static void classes_are_found_by_name(void **state)
{
    enum ct_class class;

    (void)state;
    assert_true(ct_class_from_name("sync", &class));
    assert_int_equal(class, CT_CLASS_SYNC);
    assert_false(ct_class_from_name("synch", &class));
}

static void lost_waits_are_told_from_missing_layers(void **state)
{
    static const struct {
        char *missing;
        const char *layers;
        const char *waits;
    } cases[] = {
        {"", "", ""},
        {"kernel: turned off", "kernel: turned off", ""},
        {"waits: the disk was full; later ones are lost", "",
         "the disk was full; later ones are lost"},
        {"kernel: no; why: not; waits: lost", "kernel: no; why: not", "lost"},
        {"kernel: awaits: nothing", "kernel: awaits: nothing", ""},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct ct_capture capture = {.missing = cases[i].missing};
        g_autofree char *layers = ct_capture_missing_layers(&capture);

        assert_string_equal(layers, cases[i].layers);
        assert_string_equal(ct_capture_lost_waits(&capture), cases[i].waits);
    }
}

static void notes_are_told_by_what_they_begin_with(void **state)
{
    const struct ct_capture capture = {.layers = "preload,kernels",
                                       .missing = "kernel: no cpu: at all; cpu: none; more"};

    (void)state;
    assert_string_equal(ct_capture_note_about(&capture, CT_LAYER_CPU), "cpu: none; more");
    assert_ptr_equal(ct_capture_note_about(&capture, CT_LAYER_KERNEL), capture.missing);
    assert_null(ct_capture_note_about(&capture, CT_LAYER_PRELOAD));
    assert_true(ct_capture_has_layer(&capture, CT_LAYER_PRELOAD));
    assert_false(ct_capture_has_layer(&capture, CT_LAYER_KERNEL));
}

static void quantiles_lie_in_the_bucket_that_holds_them(void **state)
{
    struct ct_op_counters counters = {0};
    struct ct_op_counters one = {.calls = 1, .total_ns = 300, .histogram = {0, 1}};

    (void)state;
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 0.5), 0);
    ct_op_counters_add(&counters, &one);
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 0.99), 300); /* no more than the sum */
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 0.5), 300); /* of one call it is known */
    counters.total_ns = UINT64_MAX - 1;
    one.total_ns = 2;
    one.calls = 99;
    one.histogram[0] = 99;
    one.histogram[1] = 0;
    ct_op_counters_add(&counters, &one);
    assert_int_equal(counters.calls, 100);
    assert_int_equal(counters.total_ns, UINT64_MAX);
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 0.5), 129);
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 0.99), 256);
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 0.995), 384);
    counters.histogram[CT_HISTOGRAM_BUCKETS - 1] = 1000;
    assert_int_equal(ct_op_counters_quantile_ns(&counters, 1), UINT64_C(1) << 38);
}

/* Two names may be at the same place, one after the other. */
static void a_reader_is_at_the_file_that_it_turned_to_last(void **state)
{
    struct ct_activity activity = {.file = ""};
    char name[2 * CT_ACTIVITY_NAME_SIZE] = "ust/waits_0";

    (void)state;
    ct_activity_turn_to(&activity, name);
    assert_string_equal(activity.file, "ust/waits_0");
    strcpy(name, "ust/waits_1");
    ct_activity_turn_to(&activity, name);
    assert_string_equal(activity.file, "ust/waits_1");
    ct_activity_turn_to(&activity, "");
    assert_string_equal(activity.file, "");
    memset(name, 'x', sizeof(name) - 1);
    ct_activity_turn_to(&activity, name);
    assert_int_equal(strlen(activity.file), CT_ACTIVITY_NAME_SIZE - 1);
    ct_activity_turn_to(NULL, name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_told_with_what_it_was_for),
        cmocka_unit_test(names_of_one_kind_differ_in_numbers_alone),
        cmocka_unit_test(durations_have_three_digits_and_a_unit),
        cmocka_unit_test(counts_have_their_thousands_separated),
        cmocka_unit_test(objects_say_what_they_are),
        cmocka_unit_test(module_is_found_by_any_address_inside_it),
        cmocka_unit_test(modules_that_took_turns_are_told_apart_by_time),
        cmocka_unit_test(classes_are_found_by_name),
        cmocka_unit_test(quantiles_lie_in_the_bucket_that_holds_them),
        cmocka_unit_test(a_reader_is_at_the_file_that_it_turned_to_last),
        cmocka_unit_test(lost_waits_are_told_from_missing_layers),
        cmocka_unit_test(notes_are_told_by_what_they_begin_with),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
