/* Places that allocate, in tables and histograms. */
#ifndef CTRACE_TEXT_HEAP_TABLES_H
#define CTRACE_TEXT_HEAP_TABLES_H

#include "export/text_out.h"
#include "summary/heap_places.h"

/* Of the whole time: what was live when there was the most, what was allocated, how long that lived
 * and who freed it. */
void ct_text_heap_tables(const struct ct_text_out *out, const struct ct_heap_places *heap);

/* Of a part of the time: what came to what was live before. */
void ct_text_heap_growth(const struct ct_text_out *out, const struct ct_heap_places *heap);

/* A line with a bar, as long as `value` is of `most`. */
void ct_text_heap_bar(const struct ct_text_out *out, const char *label, double value, double most,
                      const char *figure);

/* An estimated count. Free with g_free(). */
char *ct_text_heap_blocks(double blocks);

#endif
