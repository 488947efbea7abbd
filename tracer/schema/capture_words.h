/*
 * The words of the capture event's `layers` and `missing` that a reader looks for: `layers` is a
 * list of layers, and `missing` of notes, each of which begins with what it is about.
 */
#ifndef CTRACE_SCHEMA_CAPTURE_WORDS_H
#define CTRACE_SCHEMA_CAPTURE_WORDS_H

/* Layers, and what a note may be about. */
#define CT_LAYER_PRELOAD "preload"
#define CT_LAYER_KERNEL  "kernel"
#define CT_LAYER_CPU     "cpu"

/* What else a note may be about: waits that were lost, and why. */
#define CT_NOTE_WAITS "waits"

#define CT_LAYER_SEPARATOR ","

/* Why the kernel tells less than it could, as a note says it: of what a reader can say what to do.
 */
#define CT_WHY_OFF       "turned off"
#define CT_WHY_PERFMON   "root or CAP_PERFMON"
#define CT_WHY_BPF       "root, or CAP_BPF and CAP_PERFMON"
#define CT_WHY_FORMATS   "root, or CAP_PERFMON and /sys/kernel/tracing readable"
#define CT_WHY_TRACEFS   "tracefs is not mounted"
#define CT_WHY_CONTAINER "forbidden here, as in many containers"
#define CT_WHY_PARANOID  "kernel.perf_event_paranoid is above 2"
#define CT_WHY_MEMLOCK   "no memory may be locked for it"
#define CT_WHY_NO_BTF    "this kernel has no BTF"
#define CT_WHY_NO_PERF   "this kernel has no perf events"
#define CT_WHY_BUILT     "this ctrace was built without"
#define CT_WHY_NO_SAMPLE "no sample came"

/* "kernel: turned off; cpu: ..." */
#define CT_NOTE_SEPARATOR "; "
#define CT_NOTE_COLON     ": "

#endif
