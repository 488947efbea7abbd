#include "view/html/span.h"

static struct ct_html_span read_span(JsonObject *overview, const char *name)
{
    JsonObject *span = json_object_get_object_member(overview, name);

    return (struct ct_html_span){(uint64_t)json_object_get_int_member(span, "from"),
                                 (uint64_t)json_object_get_int_member(span, "to")};
}

struct ct_html_span ct_html_lives(JsonObject *overview)
{
    return read_span(overview, "lives");
}

struct ct_html_span ct_html_shown(JsonObject *overview)
{
    if (json_object_has_member(overview, "window"))
        return read_span(overview, "window");
    return (struct ct_html_span){0, (uint64_t)json_object_get_int_member(overview, "length_ns")};
}
