#include "board.h"

#include "raw.h"
#include "storage.h"

#include <string.h>
#include <sys/mman.h>

struct ct_board *ct_board;
const struct ct_control *ct_control;

/* Before we know better: all memory is ours. */
static uint32_t always_ours = 1;
const uint32_t *ct_is_ours = &always_ours;

CT_OWN_PAGES struct ct_wiped ct_wiped;

static bool is_over;

/* Memory that the kernel empties in every child that gets a copy of ours, also one made by _Fork or
 * a raw system call: such a child must not write to its parent's board. */
void ct_wiped_begin(void)
{
    if (ct_is_ours == &always_ours) {
        if (madvise(&ct_wiped, sizeof(ct_wiped), MADV_WIPEONFORK) != 0)
            return;
        ct_is_ours = &ct_wiped.is_ours;
    }
    ct_wiped.is_ours = 1;
}

void ct_wiped_forked(void)
{
    if (ct_is_ours != &ct_wiped.is_ours)
        memset(&ct_wiped, 0, sizeof(ct_wiped));
}

bool ct_process_is_own(void)
{
    /* In this order: without a board, the page that says whose it is is not touched. */
    return ct_board != NULL && *ct_is_ours != 0 && ct_syscall(SYS_getpid) == ct_board->pid;
}

void ct_process_leave(void)
{
    static const uint32_t not_ours = 0;

    is_over = true;
    ct_is_ours = &not_ours;
}

bool ct_process_is_over(void)
{
    return is_over;
}
