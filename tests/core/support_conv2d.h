/* Support for tests: random convolutions with all their options. */
#ifndef TESTS_CORE_SUPPORT_CONV2D_H
#define TESTS_CORE_SUPPORT_CONV2D_H

#include "tests/core/support_lot.h"

roll_layer roll_conv2d, roll_locally_connected2d;

#endif
