#include "symbols/debug_info.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>

/* Code of a unit or a function, in DWARF's addresses. */
struct code_range {
    Dwarf_Addr begin;
    Dwarf_Addr end;
    Dwarf_Die die;
};

struct ct_debug_info {
    Dwfl_Module *module;         /* borrowed */
    Dwarf_Addr bias;             /* of the addresses in `units` */
    GArray *units;               /* owned; struct code_range by begin; NULL until needed */
    GHashTable *functions;       /* owned; unit -> GArray of struct code_range by begin */
    GHashTable *qualified_names; /* owned; declaration -> char * */
    char *missing_split; /* owned; of split units, the first file that is not there; or NULL */
};

/* Deeper nesting than this is no program's, but a damaged file's. */
#define MAX_DEPTH 256

static void unref_array(void *array)
{
    g_array_unref(array);
}

struct ct_debug_info *ct_debug_info_new(Dwfl_Module *module)
{
    struct ct_debug_info *info = g_new0(struct ct_debug_info, 1);

    info->module = module;
    info->functions = g_hash_table_new_full(NULL, NULL, NULL, unref_array);
    info->qualified_names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return info;
}

void ct_debug_info_free(struct ct_debug_info *info)
{
    if (!info)
        return;
    if (info->units)
        g_array_unref(info->units);
    g_hash_table_unref(info->functions);
    g_hash_table_unref(info->qualified_names);
    g_free(info->missing_split);
    g_free(info);
}

const char *ct_debug_info_missing_split(const struct ct_debug_info *info)
{
    return info->missing_split ? info->missing_split : "";
}

static int compare_ranges(const void *left, const void *right)
{
    const struct code_range *a = left, *b = right;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

static GArray *ranges_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(struct code_range));
}

static void add_ranges(GArray *ranges, Dwarf_Die *die)
{
    struct code_range range = {.die = *die};
    Dwarf_Addr base;
    ptrdiff_t offset = 0;

    /* Functions that the linker dropped begin at zero. */
    while ((offset = dwarf_ranges(die, offset, &base, &range.begin, &range.end)) > 0)
        if (range.begin != 0 && range.begin < range.end)
            g_array_append_val(ranges, range);
}

/* The last range that begins at or before `address`, if it reaches there. */
static gboolean find_range(const GArray *ranges, Dwarf_Addr address, Dwarf_Die *die)
{
    guint low = 0, high = ranges->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(ranges, struct code_range, middle).begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address >= g_array_index(ranges, struct code_range, low - 1).end)
        return FALSE;
    *die = g_array_index(ranges, struct code_range, low - 1).die;
    return TRUE;
}

static void list_units(struct ct_debug_info *info)
{
    Dwarf_Die *unit = NULL;
    Dwarf_Addr bias;

    info->units = ranges_new();
    while ((unit = dwfl_module_nextcu(info->module, unit, &bias))) {
        add_ranges(info->units, unit);
        info->bias = bias;
    }
    g_array_sort(info->units, compare_ranges);
}

static gboolean find_unit(struct ct_debug_info *info, uint64_t address, Dwarf_Die *unit,
                          Dwarf_Addr *bias)
{
    Dwarf_Die *found = dwfl_module_addrdie(info->module, address, bias);

    if (found) {
        *unit = *found;
        return TRUE;
    }
    /* clang and rustc leave out .debug_aranges, without which libdw finds no unit. */
    if (!info->units)
        list_units(info);
    *bias = info->bias;
    return find_range(info->units, address - info->bias, unit);
}

/* Functions may stand in namespaces, in types, and in other functions (closures, OpenMP). */
static void list_functions(GArray *functions, Dwarf_Die *parent, int depth)
{
    Dwarf_Die child;

    if (depth > MAX_DEPTH || dwarf_child(parent, &child) != 0)
        return;
    do {
        switch (dwarf_tag(&child)) {
        case DW_TAG_subprogram:
            add_ranges(functions, &child);
            list_functions(functions, &child, depth + 1);
            break;
        case DW_TAG_lexical_block:
        case DW_TAG_namespace:
        case DW_TAG_module:
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            list_functions(functions, &child, depth + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&child, &child) == 0);
}

static const GArray *functions_of(struct ct_debug_info *info, Dwarf_Die *unit)
{
    GArray *functions = g_hash_table_lookup(info->functions, unit->addr);

    if (!functions) {
        functions = ranges_new();
        list_functions(functions, unit, 0);
        g_array_sort(functions, compare_ranges);
        g_hash_table_insert(info->functions, unit->addr, functions);
    }
    return functions;
}

static gboolean holds(Dwarf_Die *die, Dwarf_Addr address)
{
    /* Blocks that lost their own extent can still have inlined calls in them. */
    if (dwarf_tag(die) == DW_TAG_lexical_block && !dwarf_hasattr(die, DW_AT_low_pc) &&
        !dwarf_hasattr(die, DW_AT_ranges))
        return TRUE;
    return dwarf_haspc(die, address) == 1;
}

/* Adds the functions that were inlined at `address`, the outermost first. */
static gboolean add_inlined(GArray *scopes, Dwarf_Die *parent, Dwarf_Addr address, int depth)
{
    Dwarf_Die child;

    if (depth > MAX_DEPTH || dwarf_child(parent, &child) != 0)
        return FALSE;
    do {
        int tag = dwarf_tag(&child);
        if ((tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) ||
            !holds(&child, address))
            continue;
        if (tag == DW_TAG_inlined_subroutine)
            g_array_append_val(scopes, child);
        if (add_inlined(scopes, &child, address, depth + 1) || tag == DW_TAG_inlined_subroutine)
            return TRUE;
    } while (dwarf_siblingof(&child, &child) == 0);
    return FALSE;
}

static void reverse(GArray *scopes)
{
    for (guint i = 0, j = scopes->len; i + 1 < j; i++) {
        Dwarf_Die *first = &g_array_index(scopes, Dwarf_Die, i);
        Dwarf_Die *last = &g_array_index(scopes, Dwarf_Die, --j);
        Dwarf_Die kept = *first;
        *first = *last;
        *last = kept;
    }
}

/* libdw gives what is before the address, even if the code ended in between. */
static Dwarf_Line *find_line(Dwarf_Die *unit, Dwarf_Addr address)
{
    bool is_end = true;

    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    return line && dwarf_lineendsequence(line, &is_end) == 0 && !is_end ? line : NULL;
}

static const char *unit_string(Dwarf_Die *unit, unsigned int name)
{
    Dwarf_Attribute attribute;

    return dwarf_formstring(dwarf_attr(unit, name, &attribute));
}

/* Where the compiler said that it is: what stands there later is worth another look. */
static char *split_path(Dwarf_Die *skeleton)
{
    const char *folder = unit_string(skeleton, DW_AT_comp_dir);
    const char *name = unit_string(skeleton, DW_AT_dwo_name);

    if (!name)
        name = unit_string(skeleton, DW_AT_GNU_dwo_name);
    if (!name)
        name = "its .dwo file";
    return folder && name[0] != '/' ? g_build_filename(folder, name, NULL) : g_strdup(name);
}

gboolean ct_debug_info_find(struct ct_debug_info *info, uint64_t address,
                            struct ct_debug_place *place)
{
    Dwarf_Die unit, split, function;
    Dwarf_Addr bias;
    uint8_t unit_type;

    g_array_set_size(place->scopes, 0);
    place->line = NULL;
    if (!find_unit(info, address, &unit, &bias))
        return FALSE;
    place->line = find_line(&unit, address - bias);

    /* Split DWARF keeps the functions in another file than the line table. */
    if (dwarf_cu_info(unit.cu, NULL, &unit_type, NULL, &split, NULL, NULL, NULL) == 0 &&
        unit_type == DW_UT_skeleton) {
        if (split.addr)
            unit = split;
        else if (!info->missing_split)
            info->missing_split = split_path(&unit);
    }
    if (find_range(functions_of(info, &unit), address - bias, &function)) {
        g_array_append_val(place->scopes, function);
        add_inlined(place->scopes, &function, address - bias, 0);
        reverse(place->scopes);
    }
    return place->line || place->scopes->len > 0;
}

/* The declaration that a function, inlined or not, goes back to: there the namespaces are. */
static Dwarf_Die declaration_of(Dwarf_Die *function)
{
    static const unsigned int links[] = {DW_AT_abstract_origin, DW_AT_specification};
    Dwarf_Die die = *function, target;
    Dwarf_Attribute attribute;

    for (size_t i = 0; i < G_N_ELEMENTS(links); i++)
        if (dwarf_formref_die(dwarf_attr(&die, links[i], &attribute), &target))
            die = target;
    return die;
}

static const char *scope_name(Dwarf_Die *scope)
{
    const char *name = dwarf_diename(scope);

    switch (dwarf_tag(scope)) {
    case DW_TAG_namespace:
        return name ? name : "(anonymous namespace)";
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
        /* What has no name and holds a function is a lambda. */
        return name ? name : "<lambda>";
    case DW_TAG_subprogram:
        return name;
    default:
        return NULL;
    }
}

static gboolean is_cplusplus(Dwarf_Die *die)
{
    Dwarf_Die unit;

    if (!dwarf_diecu(die, &unit, NULL, NULL))
        return FALSE;
    switch (dwarf_srclang(&unit)) {
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
        return TRUE;
    default:
        return FALSE;
    }
}

/* Reads the whole unit, as entries do not know what they are in. */
static char *make_qualified_name(Dwarf_Die *declaration, const char *name)
{
    GString *qualified = g_string_new(name);
    Dwarf_Die *scopes = NULL;
    int count = dwarf_getscopes_die(declaration, &scopes);

    /* The first one is the function itself. */
    for (int i = 1; i < count; i++) {
        const char *scope = scope_name(&scopes[i]);
        if (scope) {
            g_string_prepend(qualified, "::");
            g_string_prepend(qualified, scope);
        }
    }
    free(scopes);
    return g_string_free(qualified, FALSE);
}

const char *ct_debug_info_qualify(struct ct_debug_info *info, Dwarf_Die *function)
{
    Dwarf_Die declaration = declaration_of(function);
    const char *name = dwarf_diename(function);

    if (!name || !is_cplusplus(&declaration))
        return name;
    char *qualified = g_hash_table_lookup(info->qualified_names, declaration.addr);
    if (!qualified) {
        qualified = make_qualified_name(&declaration, name);
        g_hash_table_insert(info->qualified_names, declaration.addr, qualified);
    }
    return qualified;
}
