#include "source/error.h"

G_DEFINE_QUARK(ct - ingest - error - quark, ct_ingest_error)
