/*
 * What the numbers of each process's descriptors mean, whoever tells of them. Held intervals point
 * to what one meant, so that this stays for as long as may be. Together they are bounded.
 */
#ifndef CTRACE_ASSEMBLE_DESCRIPTORS_H
#define CTRACE_ASSEMBLE_DESCRIPTORS_H

#include "assemble/output.h"

struct ct_descriptors;

/* Both are borrowed. */
struct ct_descriptors *ct_descriptors_new(struct ct_model *model, struct ct_output *output);
void ct_descriptors_free(struct ct_descriptors *descriptors);

/* NULL: nothing is known of the number. */
const struct ct_fd *ct_descriptors_find(const struct ct_process *process, int32_t number);

/* The number means this from now on. `fd` is copied; its kind may be any number. */
void ct_descriptors_set(struct ct_descriptors *descriptors, struct ct_process *process,
                        const struct ct_fd *fd);
/* The process gets those of another, which it was forked from or which it replaces. */
void ct_descriptors_inherit(struct ct_descriptors *descriptors, const struct ct_process *from,
                            struct ct_process *process);
/* The numbers from `first` to `last` mean nothing any more. */
void ct_descriptors_close(struct ct_descriptors *descriptors, struct ct_process *process,
                          uint64_t first, uint64_t last);
/* The epoll descriptor watches one of that class. */
void ct_descriptors_watch(const struct ct_process *process, int32_t epoll, enum ct_class class);

#endif
