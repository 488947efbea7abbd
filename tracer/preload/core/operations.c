#include "operations.h"

static const uint8_t op_object[CT_OP_COUNT] = {
#define OP_OBJECT(symbol, name, class, object) [CT_OP_##symbol] = CT_OBJECT_##object,
    CT_OPS(OP_OBJECT)
#undef OP_OBJECT
};

static const uint8_t op_class[CT_OP_COUNT] = {
#define OP_CLASS(symbol, name, class, object) [CT_OP_##symbol] = CT_CLASS_##class,
    CT_OPS(OP_CLASS)
#undef OP_CLASS
};

enum ct_class ct_op_class(uint8_t op)
{
    return op < CT_OP_COUNT ? (enum ct_class)op_class[op] : CT_CLASS_UNKNOWN;
}

enum ct_object ct_op_object(uint8_t op)
{
    return op < CT_OP_COUNT ? (enum ct_object)op_object[op] : CT_OBJECT_NONE;
}
