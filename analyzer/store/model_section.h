/* All that a model says, as bytes, and back. */
#ifndef CTRACE_STORE_MODEL_SECTION_H
#define CTRACE_STORE_MODEL_SECTION_H

#include "model/model.h"
#include "store/bytes.h"

void ct_model_section_write(const struct ct_model *model, struct ct_bytes *bytes);

/*
 * Into a new model, whose directory is set; `processes` gets its processes as they were written.
 * FALSE: the bytes are no model; what it has then
 * can only be freed.
 */
gboolean ct_model_section_read(struct ct_model *model, struct ct_bytes_input *input,
                               GPtrArray *processes);

#endif
