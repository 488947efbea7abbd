/*
 * Events -> processes, threads and intervals: what babeltrace2 need not be known for.
 *
 * A process image is a pid and the time it started. Live events belong to the newest image of
 * their pid; the events written when the trace is cut name their image. Intervals are held back
 * for a moment, since a waker may write its wake event after the woken thread wrote its wait.
 */
#ifndef CTRACE_ASSEMBLE_ASSEMBLE_H
#define CTRACE_ASSEMBLE_ASSEMBLE_H

#include "assemble/version.h"
#include "model/sink.h"
#include "source/record.h"

struct ct_assembler;

/* `model` and `sinks` are borrowed and must outlive the assembler. */
struct ct_assembler *ct_assembler_new(struct ct_model *model, const struct ct_sink *sinks,
                                      size_t sink_count);
void ct_assembler_free(struct ct_assembler *assembler);

/* Called at most once, if a process's start was lost and no other says the rate before its first
 * event: must find the rate in what is still to come. 0: every wait was recorded. */
void ct_assembler_set_rate_finder(struct ct_assembler *assembler, uint64_t (*find)(void *user),
                                  void *user);

/* Records come in the order of their time. FALSE: the trace is of a newer version than ours. */
gboolean ct_assembler_add(struct ct_assembler *assembler, const struct ct_record *record,
                          GError **error);

/* The loss begins about now. */
void ct_assembler_lose(struct ct_assembler *assembler, const struct ct_kernel_loss *loss);

/* Hands on what was held back, settles every thread's end and totals, and sorts the model. */
void ct_assembler_finish(struct ct_assembler *assembler);

#endif
