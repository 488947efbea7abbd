#include "inherit.h"

#include "blocks.h"
#include "preload/core/storage.h"
#include "preload/core/tables.h"
#include "preload/stack/intern.h"
#include "schema/codes.h"
#include "sites.h"

#include <sys/mman.h>

/* A live block of the parent. */
struct inherited {
    struct ct_heap_block block;
    uint64_t head, size; /* of its site */
};

/* What is live when a thread forks. */
struct snapshot {
    size_t size; /* of the mapping */
    uint64_t room;
    uint64_t count;
    struct inherited blocks[];
};

static CT_TLS struct snapshot *snapshot;

static CT_TLS bool is_forking;

/* In a child: the parts of the parent's stacks behind the first, which is in its header. */
static char *parent_words[CT_TABLE_PARTS];

static void note(void *user, const struct ct_heap_block *block)
{
    struct snapshot *noted = user;
    const struct ct_board_heap_site *site = ct_heap_site_at(block->block.site);

    if (site == NULL || noted->count == noted->room)
        return;
    noted->blocks[noted->count++] =
        (struct inherited){*block, atomic_load(&site->head), site->size};
}

void ct_heap_fork_begin(void)
{
    uint64_t room = ct_heap_blocks_room();
    size_t size = sizeof(struct snapshot) + room * sizeof(struct inherited);

    is_forking = true;
    if (room == 0 || snapshot != NULL || !ct_memory_is_spare(size))
        return;
    struct snapshot *noted = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (noted == MAP_FAILED)
        return;
    noted->size = size;
    noted->room = room;
    ct_heap_blocks_visit(note, noted);
    snapshot = noted;
}

bool ct_heap_is_forking(void)
{
    return is_forking;
}

void ct_heap_fork_end(void)
{
    if (!is_forking) /* a page that is not written is not copied */
        return;
    is_forking = false;
    if (snapshot != NULL)
        munmap(snapshot, snapshot->size);
    snapshot = NULL;
    for (uint32_t part = 0; part < CT_TABLE_PARTS; part++) {
        if (parent_words[part] != NULL)
            munmap(parent_words[part], ct_segment_size(CT_TABLE_WORDS, part + 1));
        parent_words[part] = NULL;
    }
}

void ct_heap_forked(void)
{
    for (uint32_t part = 0; snapshot != NULL && part < CT_TABLE_PARTS; part++)
        parent_words[part] =
            atomic_exchange(&ct_table_parts[CT_TABLE_WORDS][part + 1], (char *)NULL);
}

/* Of the parent; NULL: it is not there. */
static const struct ct_board_stack *find_stack(const struct ct_board *parent, uint32_t id)
{
    struct ct_table_place place = ct_table_place_of(CT_TABLE_WORDS, id);
    const uint64_t *words = place.part == 0                ? parent->words
                            : place.part <= CT_TABLE_PARTS ? (void *)parent_words[place.part - 1]
                                                           : NULL;
    const struct ct_board_stack *stack = words != NULL ? (const void *)&words[place.within] : NULL;

    return stack != NULL && stack->count > 0 && stack->count <= CT_STACK_MAX_FRAMES ? stack : NULL;
}

/* Functions of an interpreter are on the board, too. */
static uint64_t translate(const struct ct_board *parent, uint64_t address)
{
    if (!ct_is_code_address(address - 1))
        return address;
    const struct ct_board_stack *code = find_stack(parent, ct_code_address_id(address - 1));
    uint32_t id = code != NULL ? ct_stack_intern_code(code->addresses, code->count) : CT_STACK_LOST;

    return ct_code_return_address(id != CT_STACK_LOST ? id : 0, ct_code_address_line(address - 1));
}

static uint32_t take_over_stack(struct ct_self *self, const struct ct_board *parent, uint32_t id)
{
    const struct ct_board_stack *stack = id != CT_STACK_LOST ? find_stack(parent, id) : NULL;
    uint64_t addresses[CT_STACK_MAX_FRAMES];

    if (stack == NULL)
        return CT_STACK_LOST;
    for (uint32_t i = 0; i < stack->count; i++)
        addresses[i] = translate(parent, stack->addresses[i]);
    const struct ct_frames frames = {.addresses = addresses,
                                     .count = stack->count,
                                     .outermost = stack->outermost,
                                     .omitted_bits = stack->omitted_bits};
    return ct_stack_intern(self, &frames, true);
}

void ct_heap_inherit(struct ct_self *self, const struct ct_board *parent)
{
    uint64_t last_head = 0, last_size = 0;
    uint32_t site = CT_HEAP_NO_SITE;

    if (snapshot == NULL || parent == NULL)
        return;
    for (uint64_t i = 0; i < snapshot->count; i++) {
        const struct inherited *inherited = &snapshot->blocks[i];
        struct ct_heap_block block = inherited->block;

        if (inherited->head != last_head || inherited->size != last_size) {
            uint32_t stack = take_over_stack(self, parent, (uint32_t)(inherited->head >> 32));
            site = ct_heap_site_of(stack, inherited->size, inherited->head >> 8 & 0xff);
            last_head = inherited->head;
            last_size = inherited->size;
        }
        block.block.site = site;
        if (site == CT_HEAP_NO_SITE || !ct_heap_blocks_add(&block))
            atomic_fetch_add(&ct_board->heap_overflowed, 1);
        else
            atomic_fetch_add(&ct_heap_site_at(site)->inherited, 1);
    }
}
