/* A process image, by what identifies it. */
#ifndef CTRACE_SYSTEM_IMAGE_KEY_H
#define CTRACE_SYSTEM_IMAGE_KEY_H

#include <stdint.h>

struct ct_image_key {
    int32_t pid;
    uint64_t start_ns;
};

#endif
