/* A report as JSON: written member by member, since a tree of all of it would take many times its
 * room. What is made by a JsonBuilder in between is one value. */
#ifndef CTRACE_JSON_DOCUMENT_H
#define CTRACE_JSON_DOCUMENT_H

#include <json-glib/json-glib.h>
#include <stdint.h>
#include <stdio.h>

struct ct_json_document {
    FILE *out;         /* borrowed */
    JsonBuilder *json; /* borrowed, as the next; of the value that comes next */
    JsonGenerator *generator;
    gboolean has_members;
    gboolean has_elements; /* of the array that is being written */
};

/* A member of the document: what the builder makes in between. */
void ct_json_begin_member(struct ct_json_document *document, const char *name);
void ct_json_end_member(struct ct_json_document *document);
/* One that is a number, or a string. */
void ct_json_write_number(struct ct_json_document *document, const char *name, uint64_t value);
void ct_json_write_string(struct ct_json_document *document, const char *name, const char *value);

/* As a string of a document that is written otherwise. Free with g_free(). */
char *ct_json_quote(const char *text);

/* One that is an array, of objects; the builder is in an element's. */
void ct_json_begin_array(struct ct_json_document *document, const char *name);
JsonBuilder *ct_json_begin_element(struct ct_json_document *document);
void ct_json_end_element(struct ct_json_document *document);
void ct_json_end_array(struct ct_json_document *document);

/* Values of the builder's array, and members of its object. */
void ct_json_add_value(JsonBuilder *json, const char *value);
void ct_json_add_string(JsonBuilder *json, const char *name, const char *value);
/* Up to this every reader's numbers are whole, where they are floating-point numbers, too: what is
 * more is written as a string. */
#define CT_JSON_WHOLE_MAX (INT64_C(1) << 53)
void ct_json_add_count(JsonBuilder *json, uint64_t value);
void ct_json_add_number(JsonBuilder *json, const char *name, uint64_t value);
void ct_json_add_rounded(JsonBuilder *json, const char *name, double value);
void ct_json_add_signed(JsonBuilder *json, const char *name, int64_t value);
void ct_json_add_boolean(JsonBuilder *json, const char *name, gboolean value);

#endif
