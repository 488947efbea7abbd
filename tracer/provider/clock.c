/*
 * A clock plug-in for the session daemon and its consumer where we start them in a time namespace:
 * there, too, all times are the machine's.
 */
#include "system/monotonic.h"

#include <lttng/ust-clock.h>

__attribute__((visibility("default"))) void lttng_ust_clock_plugin_init(void);

void lttng_ust_clock_plugin_init(void)
{
    lttng_ust_clock_freq_function frequency;
    lttng_ust_clock_uuid_function uuid;
    lttng_ust_clock_name_function name;
    lttng_ust_clock_description_function description;

    if (lttng_ust_trace_clock_get_freq_cb(&frequency) == 0 &&
        lttng_ust_trace_clock_get_uuid_cb(&uuid) == 0 &&
        lttng_ust_trace_clock_get_name_cb(&name) == 0 &&
        lttng_ust_trace_clock_get_description_cb(&description) == 0 &&
        lttng_ust_trace_clock_set_read64_cb(ct_monotonic_ns) == 0 &&
        lttng_ust_trace_clock_set_freq_cb(frequency) == 0 &&
        lttng_ust_trace_clock_set_uuid_cb(uuid) == 0 &&
        lttng_ust_trace_clock_set_name_cb(name) == 0 &&
        lttng_ust_trace_clock_set_description_cb(description) == 0)
        lttng_ust_enable_trace_clock_override();
}
