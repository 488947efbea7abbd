/*
 * The address spaces of the recorded processes: which file's code is mapped where, as perf's
 * records tell in the order of their time.
 */
#ifndef CTRACE_SPOOL_MAPS_H
#define CTRACE_SPOOL_MAPS_H

#include "decode.h"

#include <glib.h>
#include <stdint.h>

/* One for each path and build id. */
struct ct_mapped_file {
    const char *path;     /* owned by the maps; "[vdso]", "//anon" and their like are no files */
    const char *build_id; /* the same; hexadecimal, "" if there is none */
    const char *copy;  /* the same; its name among the recording's copies: see objects.h; or "" */
    const char *place; /* the same; where it is to be read */
};

/* File bytes from `file_offset` on stand at [begin, end). */
struct ct_mapping {
    uint64_t begin;
    uint64_t end;
    uint64_t file_offset;
    const struct ct_mapped_file *file; /* owned by the maps */
};

/* Borrowed; valid until the next ct_maps_add(). */
struct ct_address_space {
    const struct ct_mapping *mappings; /* by begin; none overlaps another */
    guint count;
    uint64_t version; /* never 0; those of one version are the same, whoever's they are */
    uint64_t image;   /* never 0; the same from an exec on, and in the forks since */
    gboolean is_32_bit;
};

struct ct_maps;

/* Of a recording at `path`; NULL: of none, which has copies of files. */
struct ct_maps *ct_maps_new(const char *path);
void ct_maps_free(struct ct_maps *maps);

/* Takes mappings, forks and execs; other records mean nothing to it. */
void ct_maps_add(struct ct_maps *maps, const struct ct_raw_record *record);

/* FALSE if nothing is known of the process. */
gboolean ct_maps_get(const struct ct_maps *maps, int32_t pid, struct ct_address_space *space);

/* The mapping at the address, or NULL. */
const struct ct_mapping *ct_address_space_find(const struct ct_address_space *space,
                                               uint64_t address);

/*
 * TRUE and what was added to the addresses in the mapping's file. FALSE if that cannot be told: it
 * is no ELF file, or the file that is there now is of another build.
 */
gboolean ct_mapping_bias(const struct ct_mapping *mapping, uint64_t *bias);

/* Where all of an ELF file is, of which a mapping is a part. */
struct ct_mapped_object {
    uint64_t begin;
    uint64_t end;
    uint64_t bias; /* see ct_mapping_bias() */
};

/* FALSE as ct_mapping_bias(). */
gboolean ct_mapping_object(const struct ct_mapping *mapping, struct ct_mapped_object *object);

/* The address is in the code with which its file begins: nobody called that. */
gboolean ct_mapping_is_entry(const struct ct_mapping *mapping, uint64_t address);

#endif
