/* Where the recordings of a bench are: FOLDER/NAME/KIND/run-01, whole or not at all. */
#ifndef CTRACE_COMMANDS_BENCH_STORE_H
#define CTRACE_COMMANDS_BENCH_STORE_H

#include <glib.h>

struct ct_bench_store {
    char *folder; /* owned; of all */
    char *name;   /* owned; of what is being made */
    char *aside;  /* owned; where that is, until it is whole */
};

/* A name is a word that is no path. */
gboolean ct_bench_store_check_name(const char *name, const char *option, GError **error);

gboolean ct_bench_store_open(struct ct_bench_store *store, const char *folder, const char *name,
                             GError **error);
/* The folder of a kind's runs that are made; it is there then. NULL and an error. Caller frees. */
char *ct_bench_store_make(const struct ct_bench_store *store, const char *kind, GError **error);
/* That of a name's that are kept; NULL: there are none. Caller frees. */
char *ct_bench_store_find(const struct ct_bench_store *store, const char *name, const char *kind);
/* What was made has its name from now on, and what had it before is gone. */
gboolean ct_bench_store_keep(const struct ct_bench_store *store, GError **error);
/* One recording of those takes another name, whatever had it before. */
gboolean ct_bench_store_move(const char *directory, const char *path);
/* One of those, with its log. */
void ct_bench_store_remove(const char *directory);
/* Removes what was made, unless it was kept. */
void ct_bench_store_close(struct ct_bench_store *store);

#endif
