/*
 * What a process's addresses and numbers mean: its stacks, modules and counts of calls, whoever
 * tells of them. Together they are bounded.
 */
#ifndef CTRACE_ASSEMBLE_TABLES_H
#define CTRACE_ASSEMBLE_TABLES_H

#include "assemble/image.h"

struct ct_tables;

/* `model` is borrowed. */
struct ct_tables *ct_tables_new(struct ct_model *model);
void ct_tables_free(struct ct_tables *tables);

/* One of the preload's, with its id; copied. What has no such id, finds no room, or comes once more
 * is dropped: the first stays. */
void ct_tables_add_stack(struct ct_tables *tables, struct ct_image *image,
                         const struct ct_stack *stack, const uint64_t *addresses);
/* The id of this one among the image's stacks, as `id`, which is not looked at, says in others. 0:
 * it has no addresses, or there is no room. */
uint32_t ct_tables_intern_stack(struct ct_tables *tables, struct ct_image *image,
                                const struct ct_stack *stack, const uint64_t *addresses);
/* Other code may be where some was: the same addresses are another stack from now on. */
void ct_image_forget_stacks(struct ct_image *image);

/* A function of its interpreter; copied. The first of an id stays. */
void ct_tables_add_code(struct ct_tables *tables, struct ct_image *image,
                        const struct ct_event_code *code);

/* One that was there when the image ended, or as long as it says; copied. */
void ct_tables_add_module(struct ct_tables *tables, struct ct_image *image,
                          const struct ct_module *module);
/* The same of one that is there from now on: what stood in its place is gone. */
void ct_tables_load_module(struct ct_tables *tables, struct ct_image *image,
                           const struct ct_module *module, uint64_t time_ns);

void ct_tables_add_counters(struct ct_process *process, enum ct_op op,
                            const struct ct_op_counters *counters);
/* Those that a thread had when what is left of the recording began. */
void ct_tables_note_counters_before(struct ct_image *image, enum ct_op op,
                                    const struct ct_op_counters *counters);
/* At the end: takes them off. */
void ct_tables_settle_counters(struct ct_image *image);
/* Of a call that nobody else counts. */
void ct_tables_count_call(struct ct_process *process, enum ct_op op, uint64_t duration_ns);

#endif
