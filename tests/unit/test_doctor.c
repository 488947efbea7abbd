/* What the doctor makes of what recorders note, and of facts about a machine. */
#include "doctor/advice.h"
#include "doctor/capture.h"
#include "doctor/machine.h"
#include "doctor/recording.h"
#include "schema/capture_words.h"
#include "schema/obstacles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

#define SUBJECT "recording x"

static const struct ct_advice *find(const GPtrArray *advices, const char *topic)
{
    for (guint i = 0; i < advices->len; i++) {
        const struct ct_advice *advice = advices->pdata[i];

        if (strcmp(advice->topic, topic) == 0)
            return advice;
    }
    return NULL;
}

static void each_note_goes_to_its_layer(void **state)
{
    g_autoptr(GPtrArray) advices = ct_advices_new();
    const struct ct_capture capture = {
        .layers = CT_LAYER_PRELOAD,
        .missing = "kernel: whole stacks: it takes " CT_WHY_BPF "; wake-ups: they take " //
        CT_WHY_FORMATS "; cpu: " CT_WHY_PARANOID "; waits: the disk was full"};

    (void)state;
    ct_doctor_add_layers(advices, SUBJECT, &capture);
    assert_int_equal(advices->len, 2);
    const struct ct_advice *kernel = find(advices, "kernel layer");
    const struct ct_advice *cpu = find(advices, "CPU samples");

    assert_non_null(kernel);
    assert_true(g_str_has_suffix(kernel->text, CT_WHY_FORMATS));
    assert_non_null(strstr(kernel->todo, "sudo"));
    assert_non_null(cpu);
    assert_string_equal(cpu->text, CT_WHY_PARANOID);
    assert_non_null(strstr(cpu->todo, "sysctl kernel.perf_event_paranoid"));
    assert_int_equal(cpu->kind, CT_ADVICE_LESS);
}

static void a_live_layer_is_fine(void **state)
{
    g_autoptr(GPtrArray) advices = ct_advices_new();
    const struct ct_capture capture = {.layers = "preload,kernel", .missing = ""};

    (void)state;
    ct_doctor_add_layers(advices, SUBJECT, &capture);
    assert_int_equal(advices->len, 1);
    assert_int_equal(find(advices, "kernel layer")->kind, CT_ADVICE_FINE);
}

/* One is the beginning of another. */
static void each_obstacle_has_its_own_advice(void **state)
{
    (void)state;
    for (int i = CT_OBSTACLE_NONE + 1; i < CT_OBSTACLE_COUNT; i++) {
        g_autoptr(GPtrArray) advices = ct_advices_new();
        g_autofree char *names = g_strdup_printf("server (%s)", ct_doctor_obstacle_words(i));
        const struct ct_capture capture = {
            .is_complete = TRUE, .missing = "", .unseen_images = 1, .unseen_names = names};

        ct_doctor_add_losses(advices, SUBJECT, &capture);
        assert_int_equal(advices->len, 1);
        const struct ct_advice *advice = find(advices, "processes");

        assert_int_equal(advice->kind, CT_ADVICE_WRONG);
        assert_true(*advice->todo != '\0');
        assert_string_equal(advice->todo, ct_doctor_obstacle_advice(i));
    }
}

static void what_was_lost_is_wrong(void **state)
{
    g_autoptr(GPtrArray) advices = ct_advices_new();
    const struct ct_capture capture = {.missing = "", .waits_lost = 7};

    (void)state;
    ct_doctor_add_losses(advices, SUBJECT, &capture);
    assert_non_null(strstr(find(advices, "end")->todo, "ctrace recover"));
    assert_non_null(strstr(find(advices, "losses")->todo, "--lossless"));
    assert_int_equal(ct_advices_count(advices, CT_ADVICE_WRONG), 2);
}

static void a_heap_that_was_out_of_reach_is_wrong(void **state)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);
    g_autoptr(GPtrArray) advices = ct_advices_new();
    struct ct_process *process = ct_model_add_process(model, 1, 0, 0);

    (void)state;
    process->heap = ct_heap_new();
    process->heap->rate = CT_HEAP_UNREACHED;
    ct_doctor_add_recording(advices, SUBJECT, model, symbolizer, 0);
    assert_int_equal(find(advices, "heap profile")->kind, CT_ADVICE_WRONG);
    process->heap->rate = 0;
    g_ptr_array_set_size(advices, 0);
    ct_doctor_add_recording(advices, SUBJECT, model, symbolizer, 0);
    assert_null(find(advices, "heap profile"));
}

static struct ct_machine sound_machine(void)
{
    return (struct ct_machine){.kernel = (char *)"6.1.0",
                               .sessiond = (char *)"/usr/bin/lttng-sessiond",
                               .recorder = (char *)"/usr/libexec/ctrace/ctrace-record",
                               .is_root = TRUE,
                               .has_btf = TRUE,
                               .has_tracefs = TRUE,
                               .perf_paranoid = 2,
                               .has_shm = TRUE,
                               .shm_free = (uint64_t)1 << 30,
                               .disk_free = (uint64_t)1 << 40,
                               .can_write = TRUE};
}

static void check_machine(const struct ct_machine *machine, const char *topic,
                          enum ct_advice_kind kind)
{
    g_autoptr(GPtrArray) advices = ct_advices_new();

    ct_doctor_add_machine(advices, machine);
    const struct ct_advice *advice = find(advices, topic);

    assert_non_null(advice);
    assert_int_equal(advice->kind, kind);
    assert_true(kind == CT_ADVICE_FINE || *advice->todo != '\0');
    assert_int_equal(ct_advices_count(advices, CT_ADVICE_WRONG), kind == CT_ADVICE_WRONG);
}

static void what_a_machine_lacks_is_told(void **state)
{
    struct ct_machine machine = sound_machine();

    (void)state;
    check_machine(&machine, "room", CT_ADVICE_FINE);
    machine.sessiond = NULL;
    check_machine(&machine, "session daemon", CT_ADVICE_WRONG);
    machine = sound_machine();
    machine.shm_free = 1 << 20;
    check_machine(&machine, "/dev/shm", CT_ADVICE_WRONG);
    machine = sound_machine();
    machine.can_write = FALSE;
    check_machine(&machine, "disk", CT_ADVICE_WRONG);
    machine = sound_machine();
    machine.recorder = NULL;
    check_machine(&machine, "recorder", CT_ADVICE_WRONG);
    machine = sound_machine();
    machine.has_btf = FALSE;
    check_machine(&machine, "BPF", CT_ADVICE_LESS);
    machine = sound_machine();
    machine.perf_paranoid = 3;
    check_machine(&machine, "perf", CT_ADVICE_FINE);
    machine.is_root = FALSE;
    check_machine(&machine, "perf", CT_ADVICE_LESS);
    check_machine(&machine, "privilege", CT_ADVICE_LESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_note_goes_to_its_layer),
        cmocka_unit_test(a_live_layer_is_fine),
        cmocka_unit_test(each_obstacle_has_its_own_advice),
        cmocka_unit_test(what_was_lost_is_wrong),
        cmocka_unit_test(a_heap_that_was_out_of_reach_is_wrong),
        cmocka_unit_test(what_a_machine_lacks_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
