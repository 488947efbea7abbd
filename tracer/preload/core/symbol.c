#include "symbol.h"

#include "raw.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));

/* The last one of the libraries that the program began with; NULL: they are still being loaded. The
 * list behind it changes under the loader's lock. */
static const struct link_map *last;

void ct_symbol_init(void)
{
    const struct link_map *map = _r_debug.r_map;

    while (map != NULL && map->l_next != NULL)
        map = map->l_next;
    last = map;
}

static const struct link_map *next_of(const struct link_map *map)
{
    return map == last ? NULL : map->l_next;
}

/* ---- What a library has. ---- */

struct tables {
    const ElfW(Sym) * symbols;
    const char *names;
    const uint32_t *gnu_hash; /* one of the two is there */
    const uint32_t *hash;
    const ElfW(Half) * versions; /* or NULL */
    const ElfW(Verdef) * definitions;
};

/* The loader has put addresses in the place of offsets, where it may write. */
static const void *address_of(const struct link_map *map, const ElfW(Dyn) * entry)
{
    return (const void *)(entry->d_un.d_ptr < map->l_addr ? map->l_addr + entry->d_un.d_ptr
                                                          : entry->d_un.d_ptr);
}

static bool read_tables(const struct link_map *map, struct tables *tables)
{
    *tables = (struct tables){.symbols = NULL};
    for (const ElfW(Dyn) *entry = map->l_ld; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        const void *address = address_of(map, entry);

        switch (entry->d_tag) {
        case DT_SYMTAB:
            tables->symbols = address;
            break;
        case DT_STRTAB:
            tables->names = address;
            break;
        case DT_GNU_HASH:
            tables->gnu_hash = address;
            break;
        case DT_HASH:
            tables->hash = address;
            break;
        case DT_VERSYM:
            tables->versions = address;
            break;
        case DT_VERDEF:
            tables->definitions = address;
            break;
        default:
            break;
        }
    }
    return tables->symbols != NULL && tables->names != NULL &&
           (tables->gnu_hash != NULL || tables->hash != NULL);
}

/* ---- A name in one library. ---- */

struct search {
    const char *name;
    const char *version; /* asked for; or NULL */
    uint32_t gnu_hash, hash;
    const ElfW(Sym) * found; /* at the default version, until the one asked for is found */
    bool is_exact;
};

/* Of a version's number: the high bit is of those that are no default. */
#define VERSION_MASK   0x7fff
#define VERSION_HIDDEN 0x8000

/* Numbers below are of symbols without a version. */
#define FIRST_VERSION 2

static bool is_version(const struct tables *tables, unsigned number, const char *name)
{
    const ElfW(Verdef) *definition = tables->definitions;

    for (; definition != NULL && name != NULL;
         definition = (const void *)((const char *)definition + definition->vd_next)) {
        const ElfW(Verdaux) *names = (const void *)((const char *)definition + definition->vd_aux);
        if (definition->vd_ndx == number)
            return strcmp(tables->names + names->vda_name, name) == 0;
        if (definition->vd_next == 0)
            return false;
    }
    return false;
}

static void look_at(struct search *search, const struct tables *tables, uint32_t index)
{
    const ElfW(Sym) *symbol = &tables->symbols[index];
    unsigned version = tables->versions != NULL ? tables->versions[index] : 0;

    if (search->is_exact || symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0 ||
        ELF64_ST_BIND(symbol->st_info) == STB_LOCAL || ELF64_ST_TYPE(symbol->st_info) == STT_TLS ||
        strcmp(tables->names + symbol->st_name, search->name) != 0)
        return;
    search->is_exact = is_version(tables, version & VERSION_MASK, search->version);
    if (search->is_exact || (search->found == NULL && ((version & VERSION_MASK) < FIRST_VERSION ||
                                                       !(version & VERSION_HIDDEN))))
        search->found = symbol;
}

static void search_gnu(struct search *search, const struct tables *tables)
{
    const uint32_t *header = tables->gnu_hash;
    const uint32_t bucket_count = header[0], first = header[1], words = header[2];
    const ElfW(Addr) *filter = (const void *)(header + 4);
    const uint32_t *buckets = (const void *)(filter + words);
    const uint32_t *chains = buckets + bucket_count;
    const uint32_t hash = search->gnu_hash, bits = 8 * sizeof(*filter);
    ElfW(Addr) mask = (ElfW(Addr))1 << hash % bits | (ElfW(Addr))1 << (hash >> header[3]) % bits;

    if (bucket_count == 0 || (filter[hash / bits % words] & mask) != mask)
        return;
    uint32_t index = buckets[hash % bucket_count];
    if (index < first)
        return;
    for (;; index++) {
        uint32_t entry = chains[index - first];
        if ((entry | 1) == (hash | 1))
            look_at(search, tables, index);
        if (entry & 1)
            return;
    }
}

static void search_old(struct search *search, const struct tables *tables)
{
    const uint32_t *buckets = tables->hash + 2;
    const uint32_t bucket_count = tables->hash[0];
    const uint32_t *chains = buckets + bucket_count;

    if (bucket_count == 0)
        return;
    for (uint32_t i = buckets[search->hash % bucket_count]; i != STN_UNDEF; i = chains[i])
        look_at(search, tables, i);
}

static void *search_library(struct search *search, const struct link_map *map)
{
    struct tables tables;

    if (!read_tables(map, &tables))
        return NULL;
    if (tables.gnu_hash != NULL)
        search_gnu(search, &tables);
    else
        search_old(search, &tables);
    if (search->found == NULL)
        return NULL;
    void *address = (void *)(map->l_addr + search->found->st_value);
    /* It is for the loader to ask which of its variants this machine is to have. */
    return ELF64_ST_TYPE(search->found->st_info) == STT_GNU_IFUNC ? dlsym(RTLD_NEXT, search->name)
                                                                  : address;
}

/* ---- In which libraries. ---- */

static struct search begin_search(const char *name, const char *version)
{
    struct search search = {.name = name, .version = version, .gnu_hash = 5381};

    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        search.gnu_hash = search.gnu_hash * 33 + *at;
        search.hash = (search.hash << 4) + *at;
        search.hash = (search.hash ^ (search.hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    return search;
}

static void *search_from(const struct link_map *map, const char *name, const char *version)
{
    struct search search = begin_search(name, version);
    void *found = NULL;

    for (; map != NULL && found == NULL; map = next_of(map))
        found = search_library(&search, map);
    return found;
}

/* NULL: it is in another list than the program. */
static const struct link_map *own_map(void)
{
    const struct link_map *map = _r_debug.r_map;

    while (map != NULL && map->l_ld != _DYNAMIC)
        map = next_of(map);
    return map;
}

void *ct_symbol_next(const char *name, const char *version)
{
    const struct link_map *map = own_map();

    return map != NULL ? search_from(next_of(map), name, version) : dlsym(RTLD_NEXT, name);
}

void *ct_symbol_next_but(const char *name, const void *own)
{
    const struct link_map *map = own_map();
    void *found = NULL;

    if (map == NULL)
        return dlsym(RTLD_NEXT, name);
    while (found == NULL && (map = next_of(map)) != NULL) {
        struct search search = begin_search(name, NULL);

        found = search_library(&search, map);
        if (found == own)
            found = NULL;
    }
    return found;
}

static const char *file_name(const struct link_map *map)
{
    const char *slash = strrchr(map->l_name, '/');

    return slash != NULL ? slash + 1 : map->l_name;
}

static bool is_libc(const struct link_map *map)
{
    return strcmp(file_name(map), LIBC_SO) == 0;
}

void *ct_symbol_in_libc(const char *name)
{
    struct search search = begin_search(name, NULL);
    const struct link_map *map = _r_debug.r_map;

    while (map != NULL && !is_libc(map))
        map = next_of(map);
    return map != NULL ? search_library(&search, map) : NULL;
}

void *ct_symbol_anywhere(const char *name)
{
    return search_from(_r_debug.r_map, name, NULL);
}

void *ct_symbol_in(const char *part, const char *name, uint64_t *size)
{
    struct search search = begin_search(name, NULL);
    const struct link_map *map = _r_debug.r_map; /* the program's is the first */
    void *found = map != NULL ? search_library(&search, map) : NULL;

    while (found == NULL && map != NULL && (map = next_of(map)) != NULL) {
        if (strstr(file_name(map), part) != NULL)
            found = search_library(&search, map);
    }
    if (found != NULL && size != NULL)
        *size = search.found->st_size;
    return found;
}

/* ---- Whose an address is. ---- */

static const struct link_map *library_of(const void *address)
{
    const struct link_map *found = NULL;

    /* Each is in one piece, from where it begins on. */
    for (const struct link_map *map = _r_debug.r_map; map != NULL; map = next_of(map))
        if (map->l_addr <= (uintptr_t)address && (found == NULL || map->l_addr > found->l_addr))
            found = map;
    return found;
}

const void *ct_symbol_library(const void *address)
{
    return library_of(address);
}

static bool is_among(const void *const *functions, size_t count, uintptr_t address)
{
    while (count > 0 && (uintptr_t)functions[count - 1] != address)
        count--;
    return count > 0;
}

void ct_symbol_hide(const void *const *functions, size_t count)
{
    const struct link_map *map = library_of(functions[0]);
    struct tables tables;

    if (map == NULL || !read_tables(map, &tables) || tables.hash == NULL)
        return;
    const uint32_t symbols = tables.hash[1]; /* as many as chains */
    const uintptr_t page = getauxval(AT_PAGESZ);
    uintptr_t begin = (uintptr_t)tables.symbols & -page;
    uintptr_t end = ((uintptr_t)&tables.symbols[symbols] + page - 1) & -page;

    if (ct_syscall(SYS_mprotect, begin, end - begin, PROT_READ | PROT_WRITE) != 0)
        return;
    for (uint32_t i = 0; i < symbols; i++) {
        ElfW(Sym) *symbol = (ElfW(Sym) *)(uintptr_t)&tables.symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            is_among(functions, count, map->l_addr + symbol->st_value)) {
            symbol->st_shndx = SHN_UNDEF;
            symbol->st_value = 0;
        }
    }
    ct_syscall(SYS_mprotect, begin, end - begin, PROT_READ);
}
