#include "unwind.h"

#include "files/regular_file.h"
#include "frame_pointer.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* Images whose tables are kept: those that ran last. */
#define IMAGES_MAX 64

#define VDSO_SIZE_MAX ((size_t)1 << 16)

/* A step reads no more of the stack than the registers that a function saves. */
#define READS_MAX CT_DWARF_REGISTERS

#define WORD sizeof(uint64_t)

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

    /* The task at hand. */
    Dwfl *dwfl;                           /* borrowed from its image */
    const struct ct_address_space *space; /* borrowed, as is the rest */
    struct ct_unwound *unwound;
    uint32_t frame_count;              /* of those that were found, kept or not */
    struct ct_user_state state;        /* of its innermost frame, or of one that is found again */
    uint64_t last[CT_DWARF_REGISTERS]; /* those of the outermost that was found */
    struct {
        uint64_t place;
        uint64_t word;
    } reads[READS_MAX]; /* of the stack, since the last frame */
    guint read_count;
    gboolean is_beyond; /* what was asked for last was not copied: to libdwfl that is an end, too */
    gboolean is_stale;  /* the image has other files there */
    gboolean is_again;  /* the next frame is one that was found before */
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
    int fd = file->path[0] != '/' ? dup(unwinder->vdso_fd) : ct_regular_file_open(file->place);

    if (fd < 0)
        return NULL;
    Dwfl_Module *module =
        dwfl_report_elf(unwinder->dwfl, file->path, file->place, fd, bias, /* is a bias */ true);

    if (module == NULL)
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

/* ---- What libdwfl asks for ---- */

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
    uint64_t word;

    (void)dwfl;
    unwinder->is_beyond = !ct_user_state_read(&unwinder->state, address, &word);
    if (unwinder->is_beyond) {
        unwinder->unwound->next_place = address;
        return false;
    }
    if (unwinder->read_count < READS_MAX) {
        unwinder->reads[unwinder->read_count].place = address;
        unwinder->reads[unwinder->read_count++].word = word;
    }
    *value = word;
    return true;
}

static bool set_registers(Dwfl_Thread *thread, void *data)
{
    const struct ct_user_state *state = &((struct ct_unwinder *)data)->state;

    dwfl_thread_state_register_pc(thread, state->registers[CT_DWARF_REGISTER_PC]);
    return dwfl_thread_state_registers(thread, 0, CT_DWARF_REGISTER_COUNT, state->registers);
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
static uint32_t index_of_frame(const struct ct_unwinder *unwinder, uint32_t number)
{
    uint32_t outermost = CT_STACK_OUTERMOST(unwinder->stack_frames);
    uint32_t innermost = unwinder->stack_frames - outermost;

    return number < unwinder->stack_frames ? number : innermost + (number - innermost) % outermost;
}

/* Counts the frames, and brings the outermost of them in order. */
static void end_frames(const struct ct_unwinder *unwinder)
{
    struct ct_unwound *unwound = unwinder->unwound;
    uint32_t limit = unwinder->stack_frames;
    uint32_t count = unwinder->frame_count;
    uint64_t addresses[CT_STACK_OUTERMOST(CT_STACK_MAX_FRAMES)];
    uint64_t places[CT_STACK_OUTERMOST(CT_STACK_MAX_FRAMES)];

    unwound->count = MIN(count, limit);
    unwound->omitted = 0;
    unwound->outermost = 0;
    if (count <= limit)
        return;
    unwound->omitted = count - limit;
    unwound->outermost = CT_STACK_OUTERMOST(limit);
    for (uint32_t i = 0; i < unwound->outermost; i++) {
        uint32_t index = index_of_frame(unwinder, count - unwound->outermost + i);
        addresses[i] = unwound->addresses[index];
        places[i] = unwound->places[index];
    }
    uint32_t first = limit - unwound->outermost;
    memcpy(unwound->addresses + first, addresses, unwound->outermost * WORD);
    memcpy(unwound->places + first, places, unwound->outermost * WORD);
}

/* Where the return address stood that the last step found. */
static uint64_t find_place(const struct ct_unwinder *unwinder, uint64_t address)
{
    for (guint i = unwinder->read_count; i-- > 0;) {
        if (unwinder->reads[i].word == address)
            return unwinder->reads[i].place;
    }
    return 0;
}

static void note_registers(struct ct_unwinder *unwinder, Dwfl_Frame *frame, uint64_t instruction)
{
    for (unsigned number = 0; number < CT_DWARF_REGISTER_COUNT; number++) {
        if (dwfl_frame_reg(frame, number, &unwinder->last[number]) != 0)
            unwinder->last[number] = 0;
    }
    unwinder->last[CT_DWARF_REGISTER_PC] = instruction;
}

static int add_frame(Dwfl_Frame *frame, void *data)
{
    struct ct_unwinder *unwinder = data;
    struct ct_unwound *unwound = unwinder->unwound;
    bool is_exact;
    Dwarf_Addr address;

    if (unwinder->is_again) {
        unwinder->is_again = FALSE;
        return DWARF_CB_OK;
    }
    if (!dwfl_frame_pc(frame, &address, NULL))
        return DWARF_CB_ABORT;
    /* Each has a word of the stack, at least. */
    if (unwinder->frame_count > unwinder->state.stack_size / WORD + 1)
        return DWARF_CB_ABORT;
    uint32_t index = index_of_frame(unwinder, unwinder->frame_count);
    gboolean is_leaf = unwinder->frame_count == 0;
    unwound->places[index] = is_leaf ? 0 : find_place(unwinder, address);
    unwinder->read_count = 0;
    /* To know whether it is exact, libdwfl looks for the next frame: by then it has to know where
     * this one is. */
    report_module(unwinder, is_leaf ? address : address - 1);
    if (!dwfl_frame_pc(frame, &address, &is_exact))
        return DWARF_CB_ABORT;
    note_registers(unwinder, frame, is_exact ? address : address - 1);
    /* The leaf, and what a signal interrupted, is where it is: readers go back by one. */
    unwound->addresses[index] = address + (is_exact ? 1 : 0);
    unwinder->frame_count++;
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
    unwinder->read_count = 0;
    int result = dwfl_getthread_frames(dwfl, 1, add_frame, unwinder);

    return (result == 0 && !unwinder->is_beyond) || is_at_entry(unwinder);
}

static Dwfl_Module *find_module(void *user, uint64_t address)
{
    struct ct_unwinder *unwinder = user;

    if (ct_address_space_find(unwinder->space, address) == NULL) /* no code */
        return NULL;
    report_module(unwinder, address);
    return unwinder->is_stale ? NULL : dwfl_addrmodule(unwinder->dwfl, address);
}

/*
 * TRUE if the last frame is to be found by a frame pointer that is not known, which was found: it
 * can be gone on from there.
 */
static gboolean find_frame_pointer(struct ct_unwinder *unwinder)
{
    const struct ct_frame_search search = {
        .state = &unwinder->state,
        .instruction = unwinder->last[CT_DWARF_REGISTER_PC],
        .stack_pointer = unwinder->last[CT_DWARF_REGISTER_SP],
        .find_module = find_module,
        .user = unwinder,
    };
    uint64_t frame_pointer;

    if (unwinder->is_stale || !unwinder->is_beyond || unwinder->frame_count == 0 ||
        unwinder->last[CT_DWARF_REGISTER_FP] != 0 || unwinder->unwound->next_place != WORD ||
        !ct_frame_pointer_find(&search, &frame_pointer))
        return FALSE;
    memcpy(unwinder->state.registers, unwinder->last, sizeof(unwinder->last));
    unwinder->state.registers[CT_DWARF_REGISTER_FP] = frame_pointer;
    unwinder->is_again = TRUE;
    return TRUE;
}

static void unwind(struct ct_unwinder *unwinder, const struct ct_user_state *state)
{
    struct image *image = get_image(unwinder, unwinder->space->image);
    gboolean is_whole;

    unwinder->dwfl = image->dwfl;
    unwinder->state = *state;
    unwinder->is_stale = FALSE;
    unwinder->frame_count = 0;
    unwinder->is_again = FALSE;
    end_frames(unwinder);
    unwinder->unwound->next_place = 0;
    if (image->dwfl == NULL ||
        (dwfl_pid(image->dwfl) < 0 &&
         !dwfl_attach_state(image->dwfl, unwinder->self, 1, &thread_callbacks, unwinder)))
        return;
    report_module(unwinder, unwinder->state.registers[CT_DWARF_REGISTER_PC]);
    do
        is_whole = !unwinder->is_stale && follow(unwinder, image->dwfl);
    while (!is_whole && find_frame_pointer(unwinder));
    end_frames(unwinder);
    unwinder->unwound->is_partial = !is_whole;
    if (is_whole || !unwinder->is_beyond)
        unwinder->unwound->next_place = 0;
    if (unwinder->is_stale)
        g_hash_table_remove(unwinder->images, &image->id);
}

void ct_unwinder_run(struct ct_unwinder *unwinder, const struct ct_address_space *space,
                     const struct ct_user_state *state, struct ct_unwound *unwound)
{
    unwinder->space = space;
    unwinder->unwound = unwound;
    unwound->is_partial = TRUE;
    unwind(unwinder, state);
    if (unwinder->is_stale) /* a library was replaced by another: begin anew */
        unwind(unwinder, state);
    if (unwound->count == 0) {
        unwound->places[0] = 0;
        unwound->addresses[unwound->count++] = state->registers[CT_DWARF_REGISTER_PC] + 1;
    }
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
