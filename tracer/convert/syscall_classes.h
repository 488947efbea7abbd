/* The CTF events of system calls: two for each name, made when one first comes. */
#ifndef CTRACE_CONVERT_SYSCALL_CLASSES_H
#define CTRACE_CONVERT_SYSCALL_CLASSES_H

#include "schema/kernel_events.h"

#include <babeltrace2/babeltrace.h>

struct ct_syscall_classes;

/* `stream_class` is borrowed. */
struct ct_syscall_classes *ct_syscall_classes_new(bt_stream_class *stream_class);
void ct_syscall_classes_free(struct ct_syscall_classes *classes);

/* Borrowed. */
const bt_event_class *ct_syscall_classes_entry(struct ct_syscall_classes *classes,
                                               const struct ct_kernel_syscall *syscall);
const bt_event_class *ct_syscall_classes_exit(struct ct_syscall_classes *classes,
                                              const struct ct_kernel_syscall *syscall);

/* Sets the payload of an entry's event. */
void ct_syscall_classes_fill_entry(bt_field *payload, const struct ct_kernel_syscall *syscall);

#endif
