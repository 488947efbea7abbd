#include "writer.h"

#include "provider.h"

#include <lttng/ust-clock.h>
#include <lttng/ust-getcpu.h>

/* State of a whole process: LTTng asks for the clock without an argument, and there is one clock.
 */

/* The time of the event that is being written; 0: now. */
static uint64_t event_time_ns;

static uint64_t (*now_ns)(void);

/* The last time that LTTng was given. */
static uint64_t last_time_ns;

/* No two are the same: where streams are merged, that keeps their order. */
static uint64_t time_of(uint64_t time_ns)
{
    return time_ns > last_time_ns ? time_ns : last_time_ns + 1;
}

static uint64_t read_clock(void)
{
    uint64_t time_ns = event_time_ns != 0 ? event_time_ns : now_ns();

    return last_time_ns = time_ns > last_time_ns ? time_ns : last_time_ns;
}

static void go_on_from_now(void)
{
    read_clock();
}

/* There is one writer: its events are in order, in one stream, wherever it runs. */
static int first_cpu(void)
{
    return 0;
}

/* LTTng's own clock in all but the reading. */
static bool set_clock(uint64_t (*recording_now_ns)(void))
{
    now_ns = recording_now_ns;
    lttng_ust_clock_freq_function frequency;
    lttng_ust_clock_name_function name;
    lttng_ust_clock_description_function description;

    return lttng_ust_trace_clock_get_freq_cb(&frequency) == 0 &&
           lttng_ust_trace_clock_get_name_cb(&name) == 0 &&
           lttng_ust_trace_clock_get_description_cb(&description) == 0 &&
           lttng_ust_trace_clock_set_read64_cb(read_clock) == 0 &&
           lttng_ust_trace_clock_set_freq_cb(frequency) == 0 &&
           lttng_ust_trace_clock_set_name_cb(name) == 0 &&
           lttng_ust_trace_clock_set_description_cb(description) == 0 &&
           lttng_ust_enable_trace_clock_override() == 0 &&
           lttng_ust_getcpu_override(first_cpu) == 0;
}

static void set_time(uint64_t time_ns)
{
    event_time_ns = time_ns;
}

static bool is_enabled(void)
{
    return lttng_ust_tracepoint_enabled(ctrace, capture);
}

#define WRITE(symbol, name, channel)                                                              \
    static void write_##name(const struct ct_source *source, const struct ct_event_##name *event) \
    {                                                                                             \
        event_time_ns = source->time_ns;                                                          \
        lttng_ust_tracepoint(ctrace, name, source, event);                                        \
        event_time_ns = 0;                                                                        \
    }
CT_PROGRAM_EVENTS(WRITE)
#undef WRITE

#define WRITE(symbol, name, channel)                              \
    static void write_##name(const struct ct_event_##name *event) \
    {                                                             \
        lttng_ust_tracepoint(ctrace, name, event);                \
    }
CT_RECORDER_EVENTS(WRITE)
#undef WRITE

extern const struct ct_writer ct_writer;

__attribute__((visibility("default")))
const struct ct_writer ct_writer = {.set_clock = set_clock,
                                    .is_enabled = is_enabled,
                                    .time_of = time_of,
                                    .go_on_from_now = go_on_from_now,
                                    .set_time = set_time,
#define WRITER_FUNCTION(symbol, name, channel) .name = write_##name,
                                    CT_EVENTS(WRITER_FUNCTION)
#undef WRITER_FUNCTION
};
