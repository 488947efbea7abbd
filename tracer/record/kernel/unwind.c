#include "unwind.h"

#include "user_registers.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* Images whose tables are kept: those that ran last. */
#define IMAGES_MAX 64

#define VDSO_SIZE_MAX ((size_t)1 << 16)

/* What was read of a program's files: its forks share it. */
struct image {
    uint64_t id; /* see struct ct_address_space */
    uint64_t last_use;
    Dwfl *dwfl; /* owned */
};

struct ct_unwinder {
    int self_fd;
    Elf *self;          /* owned; says what machine this is */
    int vdso_fd;        /* a copy of what the kernel maps into every process; -1: none */
    GHashTable *images; /* owned; id -> struct image * */
    uint64_t uses;
    uint32_t stack_frames; /* so many are kept */

    /* The sample at hand. */
    Dwfl *dwfl;                           /* borrowed from its image */
    const struct ct_address_space *space; /* borrowed, as is the rest */
    const struct ct_raw_record *sample;
    struct ct_unwound *unwound;
    uint32_t frame_count;                       /* of those that were found, kept or not */
    uint64_t registers[CT_USER_REGISTER_COUNT]; /* by their numbers in DWARF */
    gboolean is_beyond; /* what was asked for last was not copied: to libdwfl that is an end, too */
    gboolean is_stale;  /* the image has other files there */
};

/* ---- Modules ---- */

/* All that is wanted is in the files that were mapped: no others are looked for. */
static int find_no_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                             const char *file_name, const char *link, GElf_Word checksum,
                             char **debug_name)
{
    (void)module;
    (void)user;
    (void)name;
    (void)base;
    (void)file_name;
    (void)link;
    (void)checksum;
    (void)debug_name;
    return -1;
}

static Dwfl_Module *report(struct ct_unwinder *unwinder, const struct ct_mapped_file *file,
                           uint64_t bias)
{
    int fd = -1;

    if (file->path[0] != '/' && (fd = dup(unwinder->vdso_fd)) < 0)
        return NULL;
    Dwfl_Module *module =
        dwfl_report_elf(unwinder->dwfl, file->path, file->path, fd, bias, /* is a bias */ true);

    if (module == NULL && fd >= 0)
        close(fd);
    return module;
}

/* Has libdwfl know the file that is mapped at the address. */
static void report_module(struct ct_unwinder *unwinder, uint64_t address)
{
    const struct ct_mapping *mapping = ct_address_space_find(unwinder->space, address);
    Dwfl_Module *module = dwfl_addrmodule(unwinder->dwfl, address);
    uint64_t bias;
    GElf_Addr known_bias;
    void **user;

    if (mapping == NULL || !ct_mapping_bias(mapping, &bias)) {
        unwinder->is_stale = unwinder->is_stale || module != NULL;
        return;
    }
    if (module == NULL && (module = report(unwinder, mapping->file, bias)) != NULL) {
        dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
        *user = (void *)mapping->file;
        return;
    }
    if (module == NULL)
        return;
    dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
    if (*user != mapping->file || dwfl_module_getelf(module, &known_bias) == NULL ||
        known_bias != bias)
        unwinder->is_stale = TRUE;
}

/* ---- The state of the sampled task ---- */

static pid_t next_thread(Dwfl *dwfl, void *data, void **thread)
{
    (void)dwfl;
    if (*thread != NULL)
        return 0;
    *thread = data;
    return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *data, void **thread)
{
    (void)dwfl;
    (void)tid;
    *thread = data;
    return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *value, void *data)
{
    struct ct_unwinder *unwinder = data;
    uint64_t offset = address - unwinder->registers[CT_DWARF_REGISTER_SP];
    size_t size = unwinder->sample->as.sample.stack_size;

    (void)dwfl;
    unwinder->is_beyond = size < sizeof(*value) || offset > size - sizeof(*value);
    if (unwinder->is_beyond)
        return false;
    memcpy(value, unwinder->sample->as.sample.stack + offset, sizeof(*value));
    return true;
}

static bool set_registers(Dwfl_Thread *thread, void *data)
{
    struct ct_unwinder *unwinder = data;

    dwfl_thread_state_register_pc(thread, unwinder->registers[CT_DWARF_REGISTER_PC]);
    return dwfl_thread_state_registers(thread, 0, CT_DWARF_REGISTER_COUNT, unwinder->registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .get_thread = get_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

/* ---- Images ---- */

static void free_image(void *data)
{
    struct image *image = data;

    dwfl_end(image->dwfl);
    g_free(image);
}

static void forget_oldest(struct ct_unwinder *unwinder)
{
    struct image *oldest = NULL;
    GHashTableIter images;
    void *value;

    g_hash_table_iter_init(&images, unwinder->images);
    while (g_hash_table_iter_next(&images, NULL, &value)) {
        struct image *image = value;

        if (oldest == NULL || image->last_use < oldest->last_use)
            oldest = image;
    }
    g_hash_table_remove(unwinder->images, &oldest->id);
}

static struct image *get_image(struct ct_unwinder *unwinder, uint64_t id)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = find_no_debuginfo};
    struct image *image = g_hash_table_lookup(unwinder->images, &id);

    if (image == NULL) {
        if (g_hash_table_size(unwinder->images) >= IMAGES_MAX)
            forget_oldest(unwinder);
        image = g_new0(struct image, 1);
        image->id = id;
        image->dwfl = dwfl_begin(&callbacks);
        g_hash_table_insert(unwinder->images, &image->id, image);
    }
    image->last_use = ++unwinder->uses;
    return image;
}

/* ---- Frames ---- */

/* Where the frame of that number is kept: beyond the innermost, in turn with others. */
static uint64_t *place_of_frame(const struct ct_unwinder *unwinder, uint32_t number)
{
    uint32_t outermost = CT_STACK_OUTERMOST(unwinder->stack_frames);
    uint32_t innermost = unwinder->stack_frames - outermost;

    if (number >= unwinder->stack_frames)
        number = innermost + (number - innermost) % outermost;
    return &unwinder->unwound->addresses[number];
}

/* The outermost frames in their order. */
static void end_frames(const struct ct_unwinder *unwinder)
{
    struct ct_unwound *unwound = unwinder->unwound;
    uint32_t limit = unwinder->stack_frames;
    uint32_t count = unwinder->frame_count;
    uint64_t outermost[CT_STACK_MAX_FRAMES];

    unwound->count = MIN(count, limit);
    if (count <= limit)
        return;
    unwound->omitted = ct_stack_omitted(count - limit);
    unwound->outermost = CT_STACK_OUTERMOST(limit);
    for (uint32_t i = 0; i < unwound->outermost; i++)
        outermost[i] = *place_of_frame(unwinder, count - unwound->outermost + i);
    memcpy(unwound->addresses + (limit - unwound->outermost), outermost,
           unwound->outermost * sizeof(outermost[0]));
}

static int add_frame(Dwfl_Frame *frame, void *data)
{
    struct ct_unwinder *unwinder = data;
    bool is_exact;
    Dwarf_Addr address;

    if (!dwfl_frame_pc(frame, &address, &is_exact))
        return DWARF_CB_ABORT;
    /* The leaf, and what a signal interrupted, is where it is: readers go back by one. */
    *place_of_frame(unwinder, unwinder->frame_count++) = address + (is_exact ? 1 : 0);
    report_module(unwinder, is_exact ? address : address - 1);
    return unwinder->is_stale ? DWARF_CB_ABORT : DWARF_CB_OK;
}

/* The loader's first code does not say that it has no caller. */
static gboolean is_at_entry(const struct ct_unwinder *unwinder)
{
    const struct ct_unwound *unwound = unwinder->unwound;
    uint64_t address = unwound->count > 0 ? unwound->addresses[unwound->count - 1] - 1 : 0;
    const struct ct_mapping *mapping = ct_address_space_find(unwinder->space, address);

    return mapping != NULL && ct_mapping_is_entry(mapping, address);
}

/* TRUE if the stack was followed to its end. */
static gboolean follow(struct ct_unwinder *unwinder, Dwfl *dwfl)
{
    unwinder->is_beyond = FALSE;
    int result = dwfl_getthread_frames(dwfl, 1, add_frame, unwinder);

    end_frames(unwinder);
    return (result == 0 && !unwinder->is_beyond) || is_at_entry(unwinder);
}

static void unwind(struct ct_unwinder *unwinder)
{
    struct image *image = get_image(unwinder, unwinder->space->image);

    unwinder->dwfl = image->dwfl;
    unwinder->is_stale = FALSE;
    unwinder->frame_count = 0;
    unwinder->unwound->count = 0;
    if (image->dwfl == NULL ||
        (dwfl_pid(image->dwfl) < 0 &&
         !dwfl_attach_state(image->dwfl, unwinder->self, 1, &thread_callbacks, unwinder)))
        return;
    report_module(unwinder, unwinder->registers[CT_DWARF_REGISTER_PC]);
    unwinder->unwound->is_partial = unwinder->is_stale || !follow(unwinder, image->dwfl);
    if (unwinder->is_stale)
        g_hash_table_remove(unwinder->images, &image->id);
}

void ct_unwinder_run(struct ct_unwinder *unwinder, const struct ct_address_space *space,
                     const struct ct_raw_record *sample, struct ct_unwound *unwound)
{
    static const unsigned numbers[] = {
#define DWARF_NUMBER(dwarf, perf) dwarf,
        CT_USER_REGISTERS(DWARF_NUMBER)
#undef DWARF_NUMBER
    };

    *unwound = (struct ct_unwound){.count = 0};
    /* As it executes a program, or has ended, it is in the kernel and in nothing else. */
    unwound->is_partial = !sample->as.sample.in_kernel;
    if (sample->as.sample.registers == NULL)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        unwinder->registers[numbers[i]] = sample->as.sample.registers[i];
    unwinder->space = space;
    unwinder->sample = sample;
    unwinder->unwound = unwound;
    unwind(unwinder);
    if (unwinder->is_stale) /* a library was replaced by another: begin anew */
        unwind(unwinder);
    if (unwound->count == 0)
        unwound->addresses[unwound->count++] = unwinder->registers[CT_DWARF_REGISTER_PC] + 1;
}

/* ---- The unwinder ---- */

/* That of this process is the same as in all others. */
static int copy_vdso(void)
{
    const char *vdso =
        (const char *)getauxval(AT_SYSINFO_EHDR); // NOLINT(performance-no-int-to-ptr)
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)vdso;
    int fd;

    if (vdso == NULL || (fd = memfd_create("vdso", MFD_CLOEXEC)) < 0)
        return -1;
    /* Its section headers come last. */
    size_t size = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;

    if (size <= VDSO_SIZE_MAX && write(fd, vdso, size) == (ssize_t)size)
        return fd;
    close(fd);
    return -1;
}

struct ct_unwinder *ct_unwinder_new(uint32_t stack_frames)
{
    struct ct_unwinder *unwinder = g_new0(struct ct_unwinder, 1);

    unwinder->stack_frames = stack_frames;

    elf_version(EV_CURRENT);
    unwinder->vdso_fd = copy_vdso();
    unwinder->images = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, free_image);
    unwinder->self_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    unwinder->self = elf_begin(unwinder->self_fd, ELF_C_READ_MMAP, NULL);
    if (unwinder->self != NULL)
        return unwinder;
    ct_unwinder_free(unwinder);
    return NULL;
}

void ct_unwinder_free(struct ct_unwinder *unwinder)
{
    if (unwinder == NULL)
        return;
    g_hash_table_unref(unwinder->images);
    elf_end(unwinder->self);
    if (unwinder->self_fd >= 0)
        close(unwinder->self_fd);
    if (unwinder->vdso_fd >= 0)
        close(unwinder->vdso_fd);
    g_free(unwinder);
}
