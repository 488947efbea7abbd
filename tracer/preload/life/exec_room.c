#include "exec_room.h"

#include <stddef.h>
#include <sys/mman.h>

struct ct_exec_room {
    size_t size; /* with this */
    max_align_t bytes[];
};

void ct_exec_room_free(struct ct_self *self)
{
    if (self->exec_room != NULL)
        munmap(self->exec_room, self->exec_room->size);
    self->exec_room = NULL;
}

void *ct_exec_room_take(size_t size)
{
    struct ct_self *self = &ct_self;
    size_t needed = sizeof(struct ct_exec_room) + size;
    struct ct_exec_room *room = self->exec_room;

    if (room == NULL || room->size < needed) {
        ct_exec_room_free(self);
        room = mmap(NULL, needed, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED)
            return NULL;
        room->size = needed;
    }
    /* A handler of the process itself may be here before it is given back. */
    self->exec_room = ct_process_is_own() ? NULL : room;
    return room->bytes;
}

void ct_exec_room_give_back(void *bytes)
{
    struct ct_exec_room *room =
        (struct ct_exec_room *)((char *)bytes - offsetof(struct ct_exec_room, bytes));

    if (ct_process_is_own())
        munmap(room, room->size);
}
