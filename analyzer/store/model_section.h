/* All that a model says, as bytes, and back. */
#ifndef CTRACE_STORE_MODEL_SECTION_H
#define CTRACE_STORE_MODEL_SECTION_H

#include "model/model.h"
#include "store/bytes.h"

/* `numbers`: of each thread of the model, as GUINT_TO_POINTER(). */
void ct_model_section_write(const struct ct_model *model, GHashTable *numbers,
                            struct ct_bytes *bytes);

/*
 * Into a new model, whose directory is set; `threads` gets its threads by their number, and
 * `processes` its processes as they were written. FALSE: the bytes are no model; what it has then
 * can only be freed.
 */
gboolean ct_model_section_read(struct ct_model *model, struct ct_bytes_input *input,
                               GPtrArray *threads, GPtrArray *processes);

#endif
