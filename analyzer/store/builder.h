/*
 * A store, made while a trace is read. Memory grows with threads, objects and distinct stacks only:
 * the rest is written aside, and put in order at the end.
 */
#ifndef CTRACE_STORE_BUILDER_H
#define CTRACE_STORE_BUILDER_H

#include "model/sink.h"
#include "store/format.h"

struct ct_store_builder;

/* Both files are empty and open to be read and written; borrowed. In the second one, what is there
 * afterwards means nothing. */
struct ct_store_builder *ct_store_builder_new(int fd, int aside_fd);
void ct_store_builder_free(struct ct_store_builder *builder);
typedef struct ct_store_builder ct_store_builder; /* for g_autoptr(ct_store_builder) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_store_builder, ct_store_builder_free)

/* Borrows the builder. */
struct ct_sink ct_store_builder_sink(struct ct_store_builder *builder);

/* Once the trace was read. FALSE: the files could not be written; the error's code is of errno. */
gboolean ct_store_builder_finish(struct ct_store_builder *builder, const struct ct_model *model,
                                 const uint8_t key[CT_STORE_KEY_SIZE], GError **error);

#endif
