/* What the schema has of each operation. */
#ifndef CTRACE_PRELOAD_CORE_OPERATIONS_H
#define CTRACE_PRELOAD_CORE_OPERATIONS_H

#include "board.h"
#include "schema/operations.h"

#include <stdint.h>

/* What an operation's object is. */
enum ct_object ct_op_object(uint8_t op);

/* An operation's class; UNKNOWN where its descriptors decide. */
enum ct_class ct_op_class(uint8_t op);

static inline bool ct_class_is_recorded(unsigned class)
{
    return (ct_control->recorded_classes >> class & 1) != 0;
}

#endif
