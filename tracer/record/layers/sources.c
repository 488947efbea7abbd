/* The sources that there are, the best ones first. */
#include "source.h"

#include "record/layers/bpf/off_cpu.h"
#include "record/layers/perf/machine.h"
#include "record/layers/perf/sampling.h"
#include "record/layers/perf/tasks.h"
#include "record/layers/present.h"

/* What an ordinary user may lock in memory is for samples first: they are large. */
const struct ct_capture_source *const ct_capture_sources[] = {
    &ct_perf_samples,
    &ct_bpf_off_cpu,
    &ct_perf_machine,
    &ct_perf_switches,
    &ct_perf_calls,
    &ct_present_source,
    NULL,
};
