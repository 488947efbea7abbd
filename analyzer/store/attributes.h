/* Attributes of records that are being written, each kept once. */
#ifndef CTRACE_STORE_ATTRIBUTES_H
#define CTRACE_STORE_ATTRIBUTES_H

#include "store/record.h"

#include <glib.h>

struct ct_attributes;

struct ct_attributes *ct_attributes_new(void);
void ct_attributes_free(struct ct_attributes *attributes);

/* How many there are. */
guint ct_attributes_count(const struct ct_attributes *attributes);

/* The same for the same, strings by what they say: they are copied. Valid until all are cleared. */
const struct ct_attribute *ct_attributes_keep(struct ct_attributes *attributes,
                                              const struct ct_attribute *attribute);
void ct_attributes_clear(struct ct_attributes *attributes);

/* The same, which is most often one of those two, or NULL; then it is the first of them. */
const struct ct_attribute *ct_attributes_keep_recent(struct ct_attributes *attributes,
                                                     const struct ct_attribute *recent[2],
                                                     const struct ct_attribute *attribute);

#endif
