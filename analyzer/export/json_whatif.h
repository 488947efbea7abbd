/* What a change would have brought, as JSON. */
#ifndef CTRACE_JSON_WHATIF_H
#define CTRACE_JSON_WHATIF_H

#include "passes/whatif.h"

#include <stdio.h>

/* The whole document; ferror() and fflush() tell whether that went well. */
void ct_json_write_whatif(const struct ct_path_question *question, const struct ct_whatif *what,
                          const struct ct_whatif_result *result, FILE *out);

#endif
