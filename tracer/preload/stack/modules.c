#include "modules.h"

#include "kept_rows.h"
#include "loader.h"
#include "mapped_path.h"
#include "preload/core/clock.h"
#include "preload/core/object.h"
#include "preload/core/tables.h"
#include "preload/core/text.h"

#include <string.h>

static _Atomic uint32_t generation;

_Atomic bool ct_modules_are_behind;

/* Which modules are lost, by where they are: each is so once, however often it is found. */
#define PAGE_SIZE   4096 /* the smallest of any machine */
#define LOST_PLACES 65536

static CT_LARGE _Atomic uint64_t lost_places[LOST_PLACES / 64];
static bool is_any_lost;

/* Of the board's modules, for us alone. One thread at a time writes them. */
static CT_LARGE_FIRST struct known {
    uint64_t begin;
    uint32_t name; /* hash of what the loader calls it */
    uint32_t life; /* its last one, on the board, or NO_LIFE: there was no room */
    bool is_loaded;
    bool is_in_turn; /* it is where another one was before, or after */
} known[CT_BOARD_MAX_MODULES];

#define NO_LIFE   UINT32_MAX
#define NO_MODULE UINT32_MAX

/* The first so many modules are all that are in turn with others. */
static _Atomic uint32_t in_turn_end;

uint32_t ct_modules_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}

/* The first so many are on the board. */
static uint32_t known_count;

/* One that is on the board. */
static struct ct_board_module *module_at(uint32_t index)
{
    return ct_table_find(CT_TABLE_MODULES, index);
}

uint64_t ct_modules_sign(const uint64_t *addresses, uint32_t count)
{
    uint32_t end = atomic_load_explicit(&in_turn_end, memory_order_relaxed);
    uint64_t sign = 0;

    for (uint32_t i = 0; i < end; i++) {
        if (!known[i].is_in_turn || !known[i].is_loaded)
            continue;
        const struct ct_board_module *module = module_at(i);
        for (uint32_t frame = 0; frame < count; frame++) {
            if (addresses[frame] > module->begin && addresses[frame] <= module->end)
                sign = (sign ^ (i + 1)) * UINT64_C(0x9e3779b97f4a7c15) + frame;
        }
    }
    return sign;
}

/* ---- What is mapped ---- */

/* Of the notes up to `end`. FALSE if it is not there, or what there is makes no sense. */
static bool find_build_id(const uint8_t *at, const uint8_t *end, struct ct_board_module *module)
{
    while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        const uint8_t *name = at + sizeof(*note);
        uint64_t name_size = (note->n_namesz + UINT64_C(3)) / 4 * 4;
        uint64_t size = name_size + (note->n_descsz + UINT64_C(3)) / 4 * 4;

        if (size > (uint64_t)(end - name))
            return false;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
            note->n_descsz <= CT_BUILD_ID_MAX) {
            memcpy(module->build_id, name + name_size, note->n_descsz);
            module->build_id_size = note->n_descsz;
            return true;
        }
        at = name + size;
    }
    return false;
}

static void copy_build_id(const struct dl_phdr_info *info, struct ct_board_module *module)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *notes = &info->dlpi_phdr[i];
        const uint8_t *begin = (const uint8_t *)info->dlpi_addr + notes->p_vaddr;
        struct ct_segment segment;

        if (notes->p_type != PT_NOTE || !ct_segment_find(info, (uint64_t)begin, &segment))
            continue;
        size_t left = (size_t)(segment.end - begin);
        if (find_build_id(begin, begin + (notes->p_memsz < left ? notes->p_memsz : left), module))
            return;
    }
}

/* ---- What is new ---- */

/*
 * Whoever has it does not wait for the program, so it is free soon: but a signal's handler may have
 * interrupted that thread, and wait for this one.
 */
static _Atomic bool is_being_written;

#define TRIES 10000

static bool begin_writing(void)
{
    for (int i = 0; i < TRIES; i++)
        if (!atomic_load_explicit(&is_being_written, memory_order_relaxed) &&
            !atomic_exchange(&is_being_written, true))
            return true;
    return false;
}

static void end_writing(void)
{
    atomic_store(&is_being_written, false);
}

static void count_lost(uint64_t begin)
{
    uint64_t place = begin / PAGE_SIZE % LOST_PLACES;
    uint64_t bit = UINT64_C(1) << place % 64;

    is_any_lost = true;
    if (!(atomic_fetch_or(&lost_places[place / 64], bit) & bit))
        atomic_fetch_add(&ct_board->modules_lost, 1);
}

static uint32_t hash_name(const char *name)
{
    uint32_t hash = 0;

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT32_C(0x01000193);
    return hash;
}

static bool is_same(const struct ct_board_module *a, const struct ct_board_module *b)
{
    return a->begin == b->begin && a->end == b->end && a->build_id_size == b->build_id_size &&
           memcmp(a->build_id, b->build_id, a->build_id_size) == 0;
}

/* Which module was there last; NO_MODULE: none. */
static uint32_t find_last(const struct ct_board_module *object)
{
    uint32_t last = NO_MODULE;

    for (uint32_t i = 0; i < known_count; i++) {
        const struct ct_board_module *module = module_at(i);

        if (module->begin < object->end && module->end > object->begin &&
            (last == NO_MODULE || known[i].life > known[last].life))
            last = i;
    }
    return last;
}

/* Where something else was, and what was there for a time. */
static void mark_in_turn(const struct ct_board_module *object)
{
    for (uint32_t i = 0; i < known_count; i++) {
        const struct ct_board_module *module = module_at(i);

        if (module->begin >= object->end || module->end <= object->begin)
            continue;
        known[i].is_in_turn = true;
        if (i >= atomic_load(&in_turn_end))
            atomic_store(&in_turn_end, i + 1);
    }
}

static void set_path(struct ct_board_module *module, const char *name, bool is_program)
{
    struct ct_text text = ct_text_begin(module->path, sizeof(module->path));
    bool is_relative = name[0] != '/' && strchr(name, '/') != NULL;

    if (is_program) /* it has no name of its own */
        ct_text_string(&text, ct_board->exe);
    else if (!is_relative ||
             !ct_mapped_path_find(module->begin, module->path, sizeof(module->path)))
        ct_text_string(&text, name[0] != '\0' ? name : "[vdso]");
}

/* Which module on the board it is, which may have been there before; NO_MODULE if there is no room.
 */
static uint32_t put_module(const struct ct_board_module *object, const char *name, bool is_program)
{
    uint32_t index = known_count;
    uint32_t hash = hash_name(name);

    for (uint32_t i = 0; i < known_count; i++) {
        if (known[i].name == hash && is_same(module_at(i), object))
            return i;
    }
    struct ct_board_module *module = ct_table_get(CT_TABLE_MODULES, index);
    if (module == NULL ||
        (index >= CT_MODULES_BACKED_AT_FIRST && !ct_memory_back(module, sizeof(*module))))
        return NO_MODULE;
    *module = *object;
    set_path(module, name, is_program);
    known[index] = (struct known){.begin = object->begin, .name = hash};
    known_count++;
    atomic_store(&ct_board->module_count, known_count);
    atomic_store_explicit(&module->is_ready, 1, memory_order_release);
    return index;
}

/* Without room for it, it is known to us alone, so that no stack of another is its own. */
static void begin_life(uint32_t index)
{
    uint32_t number = atomic_load(&ct_board->life_count);
    struct ct_board_life *life = ct_table_get(CT_TABLE_LIVES, number);

    known[index].is_loaded = true;
    known[index].life = NO_LIFE;
    if (life == NULL || (number >= CT_FIRST_LIVES && !ct_memory_back(life, sizeof(*life)))) {
        count_lost(known[index].begin);
        return;
    }
    atomic_store(&ct_board->life_count, number + 1);
    known[index].life = number;
    atomic_store_explicit(&life->module, index + 1, memory_order_release);
}

static void end_life(uint32_t index, uint64_t until_ns)
{
    struct ct_board_life *life =
        known[index].life != NO_LIFE ? ct_table_find(CT_TABLE_LIVES, known[index].life) : NULL;

    if (life != NULL)
        life->until_ns = until_ns;
}

/* What is to be on the board of it, but for its path. Begin is end if it has no segments. */
static struct ct_board_module read_object(const struct dl_phdr_info *info)
{
    struct ct_board_module object = {.bias = info->dlpi_addr};
    uint64_t begin, end;

    ct_object_find_range(info, &begin, &end);
    if (begin < end) {
        object.begin = info->dlpi_addr + begin;
        object.end = info->dlpi_addr + end;
        copy_build_id(info, &object);
    }
    return object;
}

/* It is loaded. The caller writes. */
static void add_object(const struct dl_phdr_info *info, bool is_program)
{
    const struct ct_board_module object = read_object(info);

    if (object.begin == object.end)
        return;
    uint32_t last = find_last(&object);
    uint32_t index = put_module(&object, info->dlpi_name, is_program);
    if (last != index)
        ct_kept_rows_forget(); /* what is known of the code there by its address is stale */
    if (last != NO_MODULE && last != index)
        mark_in_turn(&object);
    if (index == NO_MODULE) {
        count_lost(object.begin);
        return;
    }
    struct known *state = &known[index];
    if (!state->is_loaded && last == index && object.build_id_size == 0)
        ct_kept_rows_forget(); /* who knows what the linker has done to it since? */
    if (last != index)
        begin_life(index);
    else
        end_life(index, 0); /* it may have been gone for a while */
    state->is_loaded = true;
}

static bool has_code(uint32_t index, uint64_t address)
{
    const struct ct_board_module *module = module_at(index);

    return known[index].is_loaded && address - module->begin < module->end - module->begin;
}

/* Of more than a few, the module that a page was found in last, which is likely to have it. */
#define HINTS       1024
#define FEW_MODULES 8
static CT_LARGE uint16_t hints[HINTS];
_Static_assert(CT_BOARD_MAX_MODULES <= UINT16_MAX, "a hint is a module's index");

static bool is_known(uint64_t address)
{
    uint16_t *hint = known_count > FEW_MODULES ? &hints[address / PAGE_SIZE % HINTS] : NULL;

    if (hint != NULL && *hint < known_count && has_code(*hint, address))
        return true;
    for (uint32_t i = 0; i < known_count; i++) {
        if (!has_code(i, address))
            continue;
        if (hint != NULL)
            *hint = (uint16_t)i;
        return true;
    }
    return false;
}

void ct_modules_note(const uint64_t *addresses, uint32_t count, bool is_live)
{
    struct dl_phdr_info info;

    if (!begin_writing())
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = addresses[i] - 1;

        if (is_known(address) || !ct_loader_enter(is_live))
            continue;
        if (ct_loader_find(address, &info))
            add_object(&info, false);
        ct_loader_leave();
    }
    end_writing();
}

/* ---- What is gone ---- */

/* As it was? The caller has entered. */
static bool is_still_there(const struct known *state, const struct ct_board_module *module)
{
    struct dl_phdr_info info;

    if (!ct_loader_find(module->begin, &info))
        return false;
    const struct ct_board_module object = read_object(&info);
    return is_same(module, &object) && hash_name(info.dlpi_name) == state->name;
}

/* The caller writes, and has entered. */
static void end_modules(void)
{
    uint64_t now_ns = ct_now_ns();
    bool is_any = false;

    for (uint32_t i = 0; i < known_count; i++) {
        if (!known[i].is_loaded || is_still_there(&known[i], module_at(i)))
            continue;
        known[i].is_loaded = false;
        end_life(i, now_ns);
        is_any = true;
    }
    if (is_any) {
        atomic_fetch_add(&generation, 1);
        atomic_fetch_add(&ct_unloads, CT_UNLOAD);
    }
}

void ct_modules_update(void)
{
    ct_kept_rows_forget();
    if (!begin_writing()) {
        atomic_store(&ct_modules_are_behind, true);
        return;
    }
    bool can_tell = ct_loader_enter(false);
    atomic_store(&ct_modules_are_behind, !can_tell);
    if (can_tell) {
        end_modules();
        ct_loader_leave();
    }
    end_writing();
}

/* ---- New boards ---- */

/* On a new board. */
static void begin_writing_anew(void)
{
    atomic_store(&in_turn_end, 0);
    if (is_any_lost)
        memset(lost_places, 0, sizeof(lost_places));
    is_any_lost = false;
    known_count = 0;
}

static int add_first(struct dl_phdr_info *info, size_t size, void *is_program)
{
    (void)size;
    add_object(info, *(bool *)is_program);
    *(bool *)is_program = false;
    return 0;
}

void ct_modules_begin(void)
{
    bool is_program = true;

    begin_writing_anew();
    dl_iterate_phdr(add_first, &is_program);
}

/* They are a few, and all that there ever were: no object is looked at, each of which would be a
 * page fault. */
static bool copy_modules(const struct ct_board *parent)
{
    if (known_count == 0 || known_count > CT_FIRST_MODULES)
        return false;
    for (uint32_t i = 0; i < known_count; i++) {
        if (!known[i].is_loaded || known[i].is_in_turn || !parent->modules[i].is_ready)
            return false;
    }
    if (known_count > CT_MODULES_BACKED_AT_FIRST &&
        !ct_memory_back(ct_board->modules, known_count * sizeof(parent->modules[0])))
        return false;
    memcpy(ct_board->modules, parent->modules, known_count * sizeof(parent->modules[0]));
    atomic_store_explicit(&ct_board->module_count, known_count, memory_order_release);
    for (uint32_t i = 0; i < known_count; i++)
        begin_life(i);
    return true;
}

void ct_modules_inherit(const struct ct_board *parent)
{
    uint32_t count = known_count;
    struct dl_phdr_info info;

    end_writing(); /* another thread may have been at it */
    if (parent != NULL && copy_modules(parent))
        return;
    begin_writing_anew();
    ct_kept_rows_forget(); /* another may come to stand where one was, and it will not be known */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t begin = known[i].begin; /* it is written over */

        if (known[i].is_loaded && ct_loader_find(begin, &info))
            add_object(&info, i == 0);
    }
}
