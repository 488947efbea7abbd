/* What a relay is told comes out by another thread, the same and in the same order. */
#include "ingest/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

#define MANY 5000

struct heard {
    uint64_t next; /* number of what is to come */
    uint64_t intervals;
    GThread *teller;   /* who told it */
    gboolean is_other; /* told by the test's own thread, or in another order */
    gulong delay_us;   /* that each takes */
};

static void hear(struct heard *heard, uint64_t number)
{
    heard->is_other |= number != heard->next++;
    heard->teller = g_thread_self();
    if (heard->delay_us > 0)
        g_usleep(heard->delay_us);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct heard *heard = user;
    uint64_t number = interval->begin_ns;

    hear(heard, number);
    heard->intervals++;
    heard->is_other |= interval->fd->fd != (int32_t)number || strcmp(interval->fd->local, "a") != 0;
    heard->is_other |= interval->release_count != number % 9;
    for (size_t i = 0; i < interval->release_count; i++)
        heard->is_other |= interval->releases[i].time_ns != number + i;
}

static void on_run(void *user, const struct ct_run *run)
{
    hear(user, run->begin_ns);
}

static void on_sample(void *user, const struct ct_sample *sample)
{
    hear(user, sample->time_ns);
}

/* All that is lent changes as soon as it was told. */
static void say(const struct ct_sink *sink, uint64_t number)
{
    static char local[] = "a";
    struct ct_fd fd = {.fd = (int32_t)number, .local = local, .peer = local};
    struct ct_wake releases[9];
    struct ct_interval interval = {
        .begin_ns = number, .fd = &fd, .releases = releases, .release_count = number % 9};

    for (size_t i = 0; i < G_N_ELEMENTS(releases); i++)
        releases[i] = (struct ct_wake){.time_ns = number + i};
    if (number % 3 == 0)
        sink->on_interval(sink->user, &interval);
    else if (number % 3 == 1)
        sink->on_run(sink->user, &(struct ct_run){.begin_ns = number});
    else
        sink->on_sample(sink->user, &(struct ct_sample){.time_ns = number});
    memset(&fd, 0, sizeof(fd));
    memset(releases, 0xff, sizeof(releases));
}

static struct ct_sink sink_of(struct heard *heard)
{
    return (struct ct_sink){
        .user = heard, .on_interval = on_interval, .on_run = on_run, .on_sample = on_sample};
}

static void all_is_told_in_order_by_another_thread(void **state)
{
    (void)state;
    struct heard heard[2] = {0};
    const struct ct_sink sinks[] = {sink_of(&heard[0]), sink_of(&heard[1])};
    struct ct_relay *relay = ct_relay_new(sinks, G_N_ELEMENTS(sinks));
    const struct ct_sink sink = ct_relay_sink(relay);

    for (uint64_t number = 0; number < MANY; number++)
        say(&sink, number);
    ct_relay_free(relay);
    for (size_t i = 0; i < G_N_ELEMENTS(heard); i++) {
        assert_false(heard[i].is_other);
        assert_int_equal(heard[i].next, MANY);
        assert_int_equal(heard[i].intervals, (MANY + 2) / 3);
        assert_ptr_not_equal(heard[i].teller, g_thread_self());
    }
}

static void all_is_told_before_what_was_lent_goes(void **state)
{
    (void)state;
    struct heard heard = {.delay_us = 100};
    const struct ct_sink slow = sink_of(&heard);
    struct ct_relay *relay = ct_relay_new(&slow, 1);
    const struct ct_sink sink = ct_relay_sink(relay);

    for (uint64_t number = 0; number < 3; number++) {
        say(&sink, number);
        sink.on_flush(sink.user);
        assert_int_equal(heard.next, number + 1);
    }
    sink.on_flush(sink.user);
    ct_relay_free(relay);
    assert_int_equal(heard.next, 3);
    assert_false(heard.is_other);
}

static void what_nobody_hears_is_no_fault(void **state)
{
    (void)state;
    const struct ct_sink nobody = {0};
    struct ct_relay *relay = ct_relay_new(&nobody, 1);
    const struct ct_sink sink = ct_relay_sink(relay);

    for (uint64_t number = 0; number < MANY; number++)
        say(&sink, number);
    ct_relay_free(relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_told_in_order_by_another_thread),
        cmocka_unit_test(all_is_told_before_what_was_lent_goes),
        cmocka_unit_test(what_nobody_hears_is_no_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
