/* Why a question is not answered: an error whose code is a status of HTTP. */
#ifndef CTRACE_SERVE_STATUS_H
#define CTRACE_SERVE_STATUS_H

#include <glib.h>

#define CT_SERVE_STATUS g_quark_from_static_string("ctrace-serve-status")

enum ct_serve_status {
    CT_SERVE_WRONG = 400,
    CT_SERVE_FORBIDDEN = 403,
    CT_SERVE_UNKNOWN = 404,
    CT_SERVE_NO_METHOD = 405,
    CT_SERVE_FAILED = 500,
    CT_SERVE_NOT_NOW = 503,
    CT_SERVE_LATE = 504
};

#endif
