/* The message that a profile's file has, for what makes another one of it. */
#ifndef CTRACE_PPROF_MESSAGE_H
#define CTRACE_PPROF_MESSAGE_H

#include "export/pprof_file.h"

#include "profile.pb-c.h"

struct ct_pprof_file {
    Pprof__Profile *profile; /* owned */
    char *name;              /* owned; the file's */
    GHashTable *mappings;    /* owned; id -> Pprof__Mapping *, borrowed, and so on */
    GHashTable *locations;
    GHashTable *functions;
};

/* Never NULL: the index was checked. */
const char *ct_pprof_file_string(const struct ct_pprof_file *file, int64_t index);

/* NULL for id 0, and only then. */
const Pprof__Mapping *ct_pprof_file_mapping(const struct ct_pprof_file *file, uint64_t id);
const Pprof__Location *ct_pprof_file_location(const struct ct_pprof_file *file, uint64_t id);
const Pprof__Function *ct_pprof_file_function(const struct ct_pprof_file *file, uint64_t id);

/* Without an overflow. */
int64_t ct_pprof_add(int64_t a, int64_t b);
int64_t ct_pprof_negate(int64_t a);

#endif
