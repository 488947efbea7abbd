#include "image_fixture.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

struct ct_module *fixture_add_module(struct ct_process *process, const char *path,
                                     const char *build_id, uint64_t begin, uint64_t end)
{
    struct ct_module *module = g_new0(struct ct_module, 1);
    module->path = g_strdup(path);
    module->build_id = g_strdup(build_id);
    module->begin = begin;
    module->end = end;
    module->bias = begin;
    g_ptr_array_add(process->modules, module);
    return module;
}

static char *build_id_of(const struct dl_phdr_info *info, const ElfW(Phdr) * header)
{
    const char *at = (const char *)info->dlpi_addr + header->p_vaddr;
    const char *end = at + header->p_memsz;
    GString *text = g_string_new(NULL);

    while (at + sizeof(ElfW(Nhdr)) <= end) {
        const ElfW(Nhdr) *note = (const void *)at;
        const char *name = at + sizeof *note;
        const unsigned char *value = (const unsigned char *)name + (note->n_namesz + 3) / 4 * 4;
        if (note->n_type == NT_GNU_BUILD_ID && strcmp(name, "GNU") == 0)
            for (size_t i = 0; i < note->n_descsz; i++)
                g_string_append_printf(text, "%02x", value[i]);
        at = (const char *)value + (note->n_descsz + 3) / 4 * 4;
    }
    return g_string_free(text, FALSE);
}

static int add_object(struct dl_phdr_info *info, size_t size, void *user)
{
    struct ct_process *process = user;
    g_autofree char *build_id = g_strdup("");
    uint64_t begin = UINT64_MAX, end = 0;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uint64_t address = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD) {
            begin = MIN(begin, address & ~UINT64_C(4095));
            end = MAX(end, (address + header->p_memsz + 4095) & ~UINT64_C(4095));
        } else if (header->p_type == PT_NOTE && !*build_id) {
            g_free(build_id);
            build_id = build_id_of(info, header);
        }
    }
    const char *path = *info->dlpi_name ? info->dlpi_name : process->exe;
    fixture_add_module(process, path, build_id, begin, end)->bias = info->dlpi_addr;
    return 0;
}

static int compare_modules(const void *left, const void *right)
{
    const struct ct_module *a = *(struct ct_module *const *)left;
    const struct ct_module *b = *(struct ct_module *const *)right;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

void fixture_add_image(struct ct_process *process)
{
    char *exe = realpath("/proc/self/exe", NULL);
    g_free(process->exe);
    process->exe = g_strdup(exe);
    free(exe);
    dl_iterate_phdr(add_object, process);
    g_ptr_array_sort(process->modules, compare_modules);
}

void fixture_add_stack(struct ct_process *process, uint32_t id, const uint64_t *addresses,
                       uint32_t count)
{
    struct ct_stack *stack = g_malloc(sizeof *stack + count * sizeof *addresses);
    stack->id = id;
    stack->count = count;
    memcpy(stack->addresses, addresses, count * sizeof *addresses);
    g_hash_table_insert(process->stacks, GUINT_TO_POINTER(id), stack);
}
