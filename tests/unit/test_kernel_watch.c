/* What the recorder itself sees while the kernel records: idle tasks that are silent, and CPUs that
 * come on-line. */
#include "record/layers/perf/hotplug.h"
#include "record/layers/perf/idle.h"

#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SWITCH_ID 7

/* The raw data of this test's own tracepoint. */
struct raw {
    uint32_t type;
    int32_t previous, next;
};

static const struct ct_formats formats = {
    .switch_id = SWITCH_ID,
    .common_type = {offsetof(struct raw, type), 2},
    .prev_pid = {offsetof(struct raw, previous), 4},
    .next_pid = {offsetof(struct raw, next), 4},
};

struct sample {
    struct perf_event_header header;
    uint32_t pid, tid;
    uint64_t time_ns;
    uint32_t raw_size;
    struct raw raw;
};
_Static_assert(sizeof(struct sample) == 40, "a sample has no holes");

/* A ring as the kernel maps it, for a reader who has read up to `tail`. */
static struct ct_ring new_ring(uint64_t tail)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct ct_ring ring = {.map = g_malloc0(2 * page), .size = page};
    struct perf_event_mmap_page *head = ring.map;

    head->data_head = head->data_tail = tail;
    return ring;
}

static void put(struct ct_ring *ring, const void *record, size_t size)
{
    struct perf_event_mmap_page *page = ring->map;
    char *data = (char *)ring->map + sysconf(_SC_PAGESIZE);

    size_t offset = (size_t)(page->data_head % ring->size);
    size_t before_end = MIN(size, ring->size - offset);

    memcpy(data + offset, record, before_end);
    memcpy(data, (const char *)record + before_end, size - before_end);
    page->data_head += size;
}

static void put_switch(struct ct_ring *ring, int32_t previous, int32_t next)
{
    struct sample sample = {
        .header = {PERF_RECORD_SAMPLE, 0, sizeof(sample)},
        .raw_size = sizeof(sample.raw),
        .raw = {SWITCH_ID, previous, next},
    };

    put(ring, &sample, sizeof(sample));
}

static void drain(struct ct_ring *ring)
{
    struct perf_event_mmap_page *page = ring->map;

    page->data_tail = page->data_head;
}

static void an_idle_task_whose_switches_are_missing_is_silent(void **state)
{
    struct ct_ring ring = new_ring(0);

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_false(ct_idle_is_silent(&ring, &formats));
        drain(&ring);
        put_switch(&ring, 101, 0);
        put_switch(&ring, 100, 101);
    }
    assert_true(ct_idle_is_silent(&ring, &formats));
    assert_false(ct_idle_is_silent(&ring, &formats)); /* once is enough */
    g_free(ring.map);
}

static void an_idle_task_that_tells_is_not_looked_at_for_long(void **state)
{
    struct ct_ring ring = new_ring(0);

    (void)state;
    for (int i = 0; i < 70; i++) {
        put_switch(&ring, 0, 100);
        put_switch(&ring, 100, 0);
        put_switch(&ring, 0, 100);
        assert_false(ct_idle_is_silent(&ring, &formats));
        drain(&ring);
    }
    assert_true(ring.is_idle_clear);
    g_free(ring.map);
}

static void records_are_read_where_the_ring_wraps_around(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (uint64_t before_end = 8; before_end <= 80; before_end += 8) {
        struct ct_ring told = new_ring(3 * page - before_end);
        struct ct_ring silent = new_ring(3 * page - before_end);

        put_switch(&told, 100, 0);
        put_switch(&told, 0, 100);
        assert_false(ct_idle_is_silent(&told, &formats));
        assert_int_equal(told.idle_told, 1);
        put_switch(&silent, 100, 0);
        put_switch(&silent, 100, 101);
        assert_false(ct_idle_is_silent(&silent, &formats));
        assert_int_equal(silent.idle_told, -1);
        g_free(told.map);
        g_free(silent.map);
    }
}

static void what_was_lost_may_have_been_told(void **state)
{
    const struct {
        struct perf_event_header header;
        uint64_t id, lost;
    } lost = {{PERF_RECORD_LOST, 0, sizeof(lost)}, 1, 1};
    struct ct_ring ring = new_ring(0);

    (void)state;
    put_switch(&ring, 100, 0);
    put(&ring, &lost, sizeof(lost));
    put_switch(&ring, 100, 101);
    assert_false(ct_idle_is_silent(&ring, &formats));
    assert_int_equal(ring.idle_told, 0);
    g_free(ring.map);
}

static void a_single_switch_that_is_missing_is_no_silence(void **state)
{
    struct ct_ring ring = new_ring(0);

    (void)state;
    for (int i = 0; i < 20; i++) {
        put_switch(&ring, 100, 0);
        put_switch(&ring, i % 5 == 0 ? 100 : 0, 100);
        assert_false(ct_idle_is_silent(&ring, &formats));
        drain(&ring);
    }
    assert_int_equal(ring.idle_told, 16 - 4);
    g_free(ring.map);
}

static void a_cpu_that_comes_is_heard(void **state)
{
    static const char came[] = "online@/devices/system/cpu/cpu17\0ACTION=online\0SEQNUM=1";
    static const char *const others[] = {
        "offline@/devices/system/cpu/cpu1",
        "online@/devices/system/memory/memory1",
        "online@/devices/system/cpu/cpu",
        "online@/devices/system/cpu/cpu1/cache",
        "online@/devices/system/cpu/cpu-1",
        "online@/devices/system/cpu/cpu99999999999",
        "libudev",
    };
    uint32_t cpu = 0;

    (void)state;
    assert_true(ct_hotplug_parse(came, sizeof(came), &cpu));
    assert_int_equal(cpu, 17);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_false(ct_hotplug_parse(others[i], strlen(others[i]), &cpu));
    assert_true(ct_hotplug_parse(came, sizeof("online@/devices/system/cpu/cpu1") - 1, &cpu));
    assert_int_equal(cpu, 1); /* no zero at its end, and nothing read beyond it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_task_whose_switches_are_missing_is_silent),
        cmocka_unit_test(an_idle_task_that_tells_is_not_looked_at_for_long),
        cmocka_unit_test(records_are_read_where_the_ring_wraps_around),
        cmocka_unit_test(what_was_lost_may_have_been_told),
        cmocka_unit_test(a_single_switch_that_is_missing_is_no_silence),
        cmocka_unit_test(a_cpu_that_comes_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
