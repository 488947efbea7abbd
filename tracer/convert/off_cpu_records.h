/* What a time off the CPU tells of a moment, as perf would have: all but time, CPU and, unless it
 * says so, whose it is. */
#ifndef CTRACE_CONVERT_OFF_CPU_RECORDS_H
#define CTRACE_CONVERT_OFF_CPU_RECORDS_H

#include "spool/decode.h"
#include "spool/off_cpu.h"

/* A record of that type has at least so much. */
size_t ct_off_cpu_least_size(uint32_t type);
/* What its flags say is there, is. */
gboolean ct_off_cpu_is_whole(const struct ct_off_cpu *off);

/* It was woken: by whom is set, too. */
void ct_off_cpu_fill_waking(struct ct_raw_record *record, const struct ct_off_cpu *off);
/* It loses its CPU. */
void ct_off_cpu_fill_leave(struct ct_raw_record *record, const struct ct_off_cpu *off);
/* It gets one, from the task that is set. */
void ct_off_cpu_fill_back(struct ct_raw_record *record, const struct ct_off_cpu *off);
/* The call that it is in begins, or ends. */
void ct_off_cpu_fill_call(struct ct_raw_record *record, const struct ct_off_cpu *off,
                          gboolean is_entry);
/* Why it leaves its CPU, in none of the calls. */
void ct_off_cpu_fill_reason(struct ct_raw_record *record, const struct ct_off_cpu *off);
/* What that is called in the trace. */
const char *ct_off_cpu_reason_name(enum ct_op op);
/* Where it is: by a record that has a stack, of the same place. Borrows from that. */
void ct_off_cpu_fill_callers(struct ct_raw_record *record, const struct ct_off_cpu *off,
                             const struct ct_off_cpu *with_stack);
/* What a descriptor is; the process is set. */
void ct_off_cpu_fill_fd(struct ct_raw_record *record, const struct ct_off_cpu_fd *fd);

#endif
