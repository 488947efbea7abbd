/*
 * Times off the CPU, as BPF programs tell them, as the records that perf would have written of what
 * happened on each CPU, in the order of time: switches, wake-ups, calls and stacks.
 */
#ifndef CTRACE_CONVERT_OFF_CPU_H
#define CTRACE_CONVERT_OFF_CPU_H

#include "spool/spool.h"

struct ct_off_cpu_reader;

/* Takes the spool over, of kind CT_RINGS_BPF. */
struct ct_off_cpu_reader *ct_off_cpu_reader_new(struct ct_spool *spool);
struct ct_off_cpu_reader *ct_off_cpu_reader_ref(struct ct_off_cpu_reader *reader);
void ct_off_cpu_reader_unref(struct ct_off_cpu_reader *reader);

/* Borrowed. */
struct ct_spool *ct_off_cpu_reader_spool(const struct ct_off_cpu_reader *reader);

/* CPUs have numbers below that. */
guint ct_off_cpu_reader_cpu_count(const struct ct_off_cpu_reader *reader);

/* The next record of that CPU. FALSE: there is none. */
gboolean ct_off_cpu_reader_next(struct ct_off_cpu_reader *reader, guint cpu,
                                struct ct_raw_record *record);

#endif
