/* What a store keeps of the facts about a recording's waits. */
#ifndef CTRACE_STORE_FACTS_SECTION_H
#define CTRACE_STORE_FACTS_SECTION_H

#include "model/model.h"
#include "store/bytes.h"

void ct_facts_section_write(const struct ct_model *model, struct ct_bytes *bytes);

/* Adds to the model's. Whatever is no such section makes the input bad. */
void ct_facts_section_read(struct ct_model *model, struct ct_bytes_input *input);

#endif
