/* What --heap asks for. */
#ifndef CTRACE_RECORD_HEAP_WISH_H
#define CTRACE_RECORD_HEAP_WISH_H

#include <glib.h>
#include <stdint.h>

#define CT_HEAP_RATE_TEXT "512KiB"

struct ct_heap_wish {
    gboolean is_plain; /* it was given without a size */
    const char *text;  /* with that one; or NULL */
    gboolean has_maps;
};

/* `attaching` is the option that says what is recorded, where that runs already; or NULL. */
gboolean ct_heap_wish_check(const struct ct_heap_wish *wish, const char *attaching, uint64_t *rate,
                            GError **error);

#endif
