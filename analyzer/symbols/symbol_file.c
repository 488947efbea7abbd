#include "symbols/symbol_file.h"

#include "files/regular_file.h"
#include "symbols/debug_info.h"
#include "symbols/demangle.h"
#include "symbols/function_ranges.h"
#include "symbols/vdso.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 4096

struct ct_symbol_file {
    Dwfl *dwfl;                           /* owned */
    Dwfl_Module *module;                  /* owned by dwfl */
    GStringChunk *strings;                /* borrowed */
    struct ct_debug_info *debug_info;     /* owned; borrows module; NULL: not worth its time */
    GArray *scopes;                       /* owned; scratch space for Dwarf_Die */
    struct ct_function_ranges *functions; /* owned; NULL until needed */
    char *fetched;                        /* owned; a debug file from a server; or "" */
    gboolean is_looked_up;
};

/* What came from a server is asked last: what is installed here may be of the same build, and
 * whole. */
static int find_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                          const char *path, const char *link, GElf_Word checksum, char **found)
{
    const struct ct_symbol_file *file = *user;
    int fd = dwfl_standard_find_debuginfo(module, user, name, base, path, link, checksum, found);

    if (fd >= 0 || !file || !*file->fetched)
        return fd;
    fd = ct_regular_file_open(file->fetched);
    if (fd >= 0)
        *found = strdup(file->fetched);
    return fd;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

const char *ct_symbol_problem_words(enum ct_symbol_problem problem)
{
    static const char *const words[CT_SYMBOL_PROBLEM_COUNT] = {
        [CT_SYMBOL_PROBLEM_NONE] = "",
        [CT_SYMBOL_PROBLEM_UNREADABLE] = "cannot be read here",
        [CT_SYMBOL_PROBLEM_NO_ELF] = "is not a readable ELF file",
        [CT_SYMBOL_PROBLEM_CHANGED] = "changed since the recording",
    };

    return words[problem];
}

static gboolean has_build_id(Dwfl_Module *module, const char *build_id)
{
    const unsigned char *bits = NULL;
    GElf_Addr address;
    int length = dwfl_module_build_id(module, &bits, &address);

    if (length <= 0 || strlen(build_id) != (size_t)length * 2)
        return FALSE;
    for (int i = 0; i < length; i++) {
        char hexadecimal[3];
        g_snprintf(hexadecimal, sizeof hexadecimal, "%02x", bits[i]);
        if (g_ascii_strncasecmp(build_id + i * 2, hexadecimal, 2) != 0)
            return FALSE;
    }
    return TRUE;
}

/* The callbacks are told whose module it is. */
static void set_user(struct ct_symbol_file *file)
{
    void **user = NULL;

    dwfl_module_info(file->module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
    if (user)
        *user = file;
}

static struct ct_symbol_file *open_candidate(const char *path, const char *build_id,
                                             const char *fetched, enum ct_symbol_problem *problem)
{
    /* A relative path does not say where it begins. */
    int fd = ct_is_vdso(path) ? ct_vdso_open() : path[0] == '/' ? ct_regular_file_open(path) : -1;
    if (fd < 0) {
        *problem = CT_SYMBOL_PROBLEM_UNREADABLE;
        return NULL;
    }

    struct ct_symbol_file *file = g_new0(struct ct_symbol_file, 1);
    GElf_Addr bias;
    file->fetched = g_strdup(fetched);
    file->dwfl = dwfl_begin(&callbacks);
    /* Based at zero, so that lookups go by the addresses in the file. */
    if (file->dwfl)
        file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, true);
    if (file->module)
        set_user(file);
    else
        close(fd);
    if (!file->module || dwfl_report_end(file->dwfl, NULL, NULL) != 0 ||
        !dwfl_module_getelf(file->module, &bias))
        *problem = CT_SYMBOL_PROBLEM_NO_ELF;
    else if (*build_id && !has_build_id(file->module, build_id))
        *problem = CT_SYMBOL_PROBLEM_CHANGED;
    else
        return file;
    ct_symbol_file_free(file);
    return NULL;
}

/* Every stack begins there, and libdw unpacks all of its debug information for the first frame,
 * which takes longer than to read a small recording. The functions' names, from its symbols, say
 * enough. */
gboolean ct_symbol_file_is_c_library(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);

    return g_str_has_prefix(name, "libc.so.") || g_str_has_prefix(name, "ld-linux");
}

char *ct_symbol_file_debug_path(const char *build_id)
{
    if (strlen(build_id) <= 2 || strchr(build_id, '/'))
        return NULL;
    return g_strdup_printf(CT_DEBUG_FOLDER "/.build-id/%.2s/%s.debug", build_id, build_id + 2);
}

struct ct_symbol_file *ct_symbol_file_open(const struct ct_symbol_file_place *place,
                                           GStringChunk *strings, enum ct_symbol_problem *problem)
{
    g_autofree char *debug_path = ct_symbol_file_debug_path(place->build_id);
    const char *candidates[] = {place->path, debug_path, place->fetched};
    struct ct_symbol_file *file = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(candidates) && !file; i++) {
        enum ct_symbol_problem ignored;

        if (candidates[i] && *candidates[i])
            file = open_candidate(candidates[i], place->build_id, place->fetched,
                                  i == 0 ? problem : &ignored);
        else if (i == 0)
            *problem = CT_SYMBOL_PROBLEM_UNREADABLE;
    }
    if (file) {
        *problem = CT_SYMBOL_PROBLEM_NONE;
        file->strings = strings;
        file->debug_info =
            ct_symbol_file_is_c_library(place->path) ? NULL : ct_debug_info_new(file->module);
        file->scopes = g_array_new(FALSE, FALSE, sizeof(Dwarf_Die));
    }
    return file;
}

void ct_symbol_file_free(struct ct_symbol_file *file)
{
    if (!file)
        return;
    ct_debug_info_free(file->debug_info);
    ct_function_ranges_free(file->functions);
    if (file->scopes)
        g_array_unref(file->scopes);
    if (file->dwfl)
        dwfl_end(file->dwfl);
    g_free(file->fetched);
    g_free(file);
}

/* Other producers' strings need not be UTF-8; all ours are. */
static const char *keep(struct ct_symbol_file *file, const char *string)
{
    if (g_utf8_validate(string, -1, NULL))
        return g_string_chunk_insert_const(file->strings, string);
    g_autofree char *valid = g_utf8_make_valid(string, -1);
    return g_string_chunk_insert_const(file->strings, valid);
}

/* `name` is what a programmer calls it where `system_name` is not mangled. */
static void set_names(struct ct_symbol_file *file, struct ct_symbol_frame *frame, const char *name,
                      const char *system_name)
{
    char *demangled = ct_demangle(system_name);

    frame->system_name = keep(file, system_name);
    frame->function = keep(file, demangled ? demangled : name);
    free(demangled);
}

/* The symbol whose extent holds `address`, without its version ("@GLIBC_2.2.5"); "" if none. */
static const char *symbol_at(struct ct_symbol_file *file, uint64_t address, GElf_Off *offset,
                             GElf_Sym *symbol)
{
    const char *name =
        dwfl_module_addrinfo(file->module, address, offset, symbol, NULL, NULL, NULL);
    if (!name || !*name)
        return "";
    const char *version = strchr(name, '@');
    if (!version || version == name)
        return name;
    g_autofree char *plain = g_strndup(name, (gsize)(version - name));
    return keep(file, plain);
}

static const char *string_attribute(Dwarf_Die *die, unsigned int name)
{
    Dwarf_Attribute attribute;
    return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

/* NULL where it is the same as the function's own: in C, mostly. */
static const char *linker_name(Dwarf_Die *function)
{
    const char *name = string_attribute(function, DW_AT_linkage_name);

    if (!name)
        name = string_attribute(function, DW_AT_MIPS_linkage_name);
    return name;
}

static uint32_t number_attribute(Dwarf_Die *die, unsigned int name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;

    if (dwarf_formudata(dwarf_attr(die, name, &attribute), &value) != 0 || value > INT32_MAX)
        return 0;
    return (uint32_t)value;
}

/*
 * The source file that an attribute tells by its number in the unit's list; "" if it is not known.
 * libdw's dwarf_decl_file ends the program for the split units of DWARF 5.
 */
static const char *file_attribute(struct ct_symbol_file *file, Dwarf_Die *die, unsigned int name)
{
    Dwarf_Attribute attribute;
    Dwarf_Die unit;
    Dwarf_Files *files;
    Dwarf_Word number;
    const char *source = NULL;

    if (dwarf_formudata(dwarf_attr_integrate(die, name, &attribute), &number) == 0 &&
        dwarf_cu_die(attribute.cu, &unit, NULL, NULL, NULL, NULL, NULL, NULL) &&
        dwarf_getsrcfiles(&unit, &files, NULL) == 0)
        source = dwarf_filesrc(files, number, NULL, NULL);
    return source ? keep(file, source) : "";
}

/* Where the inlined call stands in the function that encloses it. */
static void set_call_site(struct ct_symbol_file *file, Dwarf_Die *inlined,
                          struct ct_symbol_frame *frame)
{
    frame->file = file_attribute(file, inlined, DW_AT_call_file);
    frame->line = number_attribute(inlined, DW_AT_call_line);
}

static void add_scope_frames(struct ct_symbol_file *file, const struct ct_symbol_frame *place,
                             GArray *frames)
{
    struct ct_symbol_frame next = *place;

    for (guint i = 0; i < file->scopes->len; i++) {
        Dwarf_Die *scope = &g_array_index(file->scopes, Dwarf_Die, i);
        struct ct_symbol_frame frame = next;
        const char *system_name = linker_name(scope);
        const char *name =
            system_name ? dwarf_diename(scope) : ct_debug_info_qualify(file->debug_info, scope);
        int start_line = 0;

        if (!name && !system_name)
            break;
        set_names(file, &frame, name ? name : system_name,
                  system_name ? system_name : dwarf_diename(scope));
        if (!*frame.file)
            frame.file = file_attribute(file, scope, DW_AT_decl_file);
        if (dwarf_decl_line(scope, &start_line) == 0 && start_line > 0)
            frame.start_line = (uint32_t)start_line;
        frame.is_inlined = dwarf_tag(scope) == DW_TAG_inlined_subroutine;
        g_array_append_val(frames, frame);
        set_call_site(file, scope, &next);
    }
}

static void set_line(struct ct_symbol_file *file, Dwarf_Line *line, struct ct_symbol_frame *frame)
{
    const char *source = dwarf_linesrc(line, NULL, NULL);
    int number = 0;

    if (source)
        frame->file = keep(file, source);
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        frame->line = (uint32_t)number;
}

void ct_symbol_file_add_frames(struct ct_symbol_file *file, uint64_t address, GArray *frames)
{
    struct ct_symbol_frame frame = {.function = "", .system_name = "", .file = ""};
    struct ct_debug_place place = {.scopes = file->scopes};

    file->is_looked_up = TRUE;

    if (file->debug_info && ct_debug_info_find(file->debug_info, address, &place)) {
        if (place.line)
            set_line(file, place.line, &frame);
        add_scope_frames(file, &frame, frames);
        if (frames->len > 0)
            return;
    }

    GElf_Off offset;
    GElf_Sym symbol;
    const char *name = symbol_at(file, address, &offset, &symbol);
    if (*name) {
        set_names(file, &frame, name, name);
        g_array_append_val(frames, frame);
    }
}

const char *ct_symbol_file_missing_split(const struct ct_symbol_file *file)
{
    return file->debug_info ? ct_debug_info_missing_split(file->debug_info) : "";
}

const char *ct_symbol_file_debug_link(const struct ct_symbol_file *file)
{
    GElf_Addr bias;
    GElf_Word checksum;
    Elf *elf = dwfl_module_getelf(file->module, &bias);
    const char *name = elf ? dwelf_elf_gnu_debuglink(elf, &checksum) : NULL;

    return name ? name : "";
}

/* Its own, or those of its debug file, not just what other files can see. */
static gboolean has_all_symbols(Dwfl_Module *module)
{
    const char *debug_file = NULL;
    GElf_Addr bias;
    GElf_Shdr header;
    Elf *elf = dwfl_module_getelf(module, &bias);
    Elf_Scn *section = NULL;

    dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, &debug_file);
    if (debug_file)
        return TRUE;
    while (elf && (section = elf_nextscn(elf, section)))
        if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
            return TRUE;
    return FALSE;
}

gboolean ct_symbol_file_has_debug_info(const struct ct_symbol_file *file)
{
    Dwarf_Addr bias;

    return file->debug_info ? dwfl_module_getdwarf(file->module, &bias) != NULL
                            : has_all_symbols(file->module);
}

gboolean ct_symbol_file_is_complete(const struct ct_symbol_file *file)
{
    return file->is_looked_up && !*ct_symbol_file_missing_split(file) &&
           ct_symbol_file_has_debug_info(file);
}

uint64_t ct_symbol_file_function_start(struct ct_symbol_file *file, uint64_t address)
{
    GElf_Addr bias;
    uint64_t begin;

    if (!file->functions)
        file->functions = ct_function_ranges_new(dwfl_module_getelf(file->module, &bias));
    return ct_function_ranges_find(file->functions, address, &begin) ? begin : address;
}

const char *ct_symbol_file_data(struct ct_symbol_file *file, uint64_t address)
{
    GElf_Off offset;
    GElf_Sym symbol;
    const char *name = symbol_at(file, address, &offset, &symbol);

    if (!*name || offset >= symbol.st_size || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT)
        return NULL;
    char *demangled = ct_demangle(name);
    g_autofree char *text = offset == 0
                                ? g_strdup(demangled ? demangled : name)
                                : g_strdup_printf("%s+0x%" G_GINT64_MODIFIER "x",
                                                  demangled ? demangled : name, (guint64)offset);
    free(demangled);
    return keep(file, text);
}

gboolean ct_symbol_file_find_code(struct ct_symbol_file *file, struct ct_code_segment *segment)
{
    GElf_Addr bias;
    GElf_Phdr header;
    size_t count = 0;
    Elf *elf = dwfl_module_getelf(file->module, &bias);

    if (!elf || elf_getphdrnum(elf, &count) != 0)
        return FALSE;
    for (size_t i = 0; i < count && i < G_MAXINT; i++) {
        if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
            !(header.p_flags & PF_X) || header.p_memsz > UINT64_MAX - header.p_vaddr)
            continue;
        /* What is mapped begins with a page. */
        uint64_t slack = header.p_vaddr & (PAGE_BYTES - 1);
        if (slack > header.p_offset)
            continue;
        segment->begin = header.p_vaddr - slack;
        segment->end = header.p_vaddr + header.p_memsz;
        segment->file_offset = header.p_offset - slack;
        return TRUE;
    }
    return FALSE;
}

gboolean ct_symbol_file_is_go(struct ct_symbol_file *file)
{
    GElf_Addr bias;
    GElf_Shdr header;
    size_t names;
    Elf *elf = dwfl_module_getelf(file->module, &bias);
    Elf_Scn *section = NULL;

    if (!elf || elf_getshdrstrndx(elf, &names) != 0)
        return FALSE;
    while ((section = elf_nextscn(elf, section))) {
        const char *name =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

        if (name && g_str_has_suffix(name, ".gopclntab")) /* ".data.rel.ro.gopclntab", too */
            return TRUE;
    }
    return FALSE;
}
