/*
 * The times off the CPU that outlast losses of records. What a task was in then is known, whatever
 * else is not: its own record of that time was made after the loss, or says that it is still off
 * the CPU as the recording ends.
 */
#ifndef CTRACE_CONVERT_LASTING_H
#define CTRACE_CONVERT_LASTING_H

#include "spool/off_cpu.h"

#include <glib.h>

struct ct_lasting;

struct ct_lasting *ct_lasting_new(void);
void ct_lasting_free(struct ct_lasting *lasting);

/* In the order of the file, where the record is at `offset`. */
void ct_lasting_add(struct ct_lasting *lasting, const struct ct_off_cpu *off, uint64_t offset);
void ct_lasting_add_loss(struct ct_lasting *lasting, const struct ct_off_cpu_loss *loss);

/* Once all are added. `told` is called for each such time, by the record of when it began. */
void ct_lasting_settle(struct ct_lasting *lasting, void (*told)(void *user, uint64_t offset),
                       void *user);

/* Then: until when the task is off the CPU, and has not been woken; UINT64_MAX: until the recording
 * ends. 0: that time outlasts no loss. */
uint64_t ct_lasting_until(const struct ct_lasting *lasting, uint64_t offset);

/* It leaves its CPU as it waits for something, and not only for a CPU. */
gboolean ct_lasting_is_blocked(const struct ct_off_cpu *off);

/* When that can be told: as it left its CPU, or after losses there that this was in; before all
 * losses of one that had left before the recording began. */
uint64_t ct_lasting_told_from(const struct ct_lasting *lasting, const struct ct_off_cpu *off);

#endif
