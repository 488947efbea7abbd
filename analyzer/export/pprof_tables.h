/* The pieces of a pprof message that samples share: each made once, found again by what it is. */
#ifndef CTRACE_PPROF_TABLES_H
#define CTRACE_PPROF_TABLES_H

#include "profile.pb-c.h"
#include "symbols/symbols.h"

/* All that the arrays hold lives as long as the tables. */
struct ct_pprof_tables {
    struct ct_symbolizer *symbolizer; /* borrowed */
    GPtrArray *memory;                /* owned; everything that the message points to */
    GPtrArray *strings;               /* owned; char *, borrowed from string_ids */
    GPtrArray *mappings;              /* owned; Pprof__Mapping * */
    GPtrArray *locations;             /* owned; Pprof__Location * */
    GPtrArray *functions;             /* owned; Pprof__Function * */
    GHashTable *string_ids;           /* owned; char * (owned) -> index */
    GHashTable *mapping_keys;         /* owned; to Pprof__Mapping *, and so on */
    GHashTable *location_keys;
    GHashTable *function_keys;
};

void ct_pprof_tables_init(struct ct_pprof_tables *tables, struct ct_symbolizer *symbolizer);
void ct_pprof_tables_clear(struct ct_pprof_tables *tables);

/* Zeroed memory that lives as long as the tables. */
void *ct_pprof_tables_allocate(struct ct_pprof_tables *tables, size_t size);

/* What a value is called, and its unit. */
Pprof__ValueType *ct_pprof_tables_value_type(struct ct_pprof_tables *tables, const char *type,
                                             const char *unit);

/* The index of a string; what is not UTF-8 is made so. */
int64_t ct_pprof_tables_string(struct ct_pprof_tables *tables, const char *string);

/* The main program: to be added before any call, as pprof takes the first mapping for it. */
void ct_pprof_tables_add_program(struct ct_pprof_tables *tables, const struct ct_module *module);

/* The id of a place that has no address, only a name. */
uint64_t ct_pprof_tables_add_name(struct ct_pprof_tables *tables, const char *name);

/* The id of the call that returns to this address, or 0 for a frame of ctrace's own. */
uint64_t ct_pprof_tables_add_call(struct ct_pprof_tables *tables, const struct ct_process *process,
                                  uint64_t return_address, uint64_t time_ns);

#endif
