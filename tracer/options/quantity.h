/* Numbers with a unit, as they are typed: "10us", "500M". */
#ifndef CTRACE_OPTIONS_QUANTITY_H
#define CTRACE_OPTIONS_QUANTITY_H

#include <glib.h>
#include <stdint.h>

/* Of ns, us, ms, s, m, h or d, or a plain 0. FALSE: it is no time, or beyond all reason. */
gboolean ct_quantity_parse_time(const char *text, uint64_t *time_ns);

/* Of k, M, G or T, of 1000 each, with or without a B. FALSE: it is no size. */
gboolean ct_quantity_parse_size(const char *text, uint64_t *bytes);

#endif
