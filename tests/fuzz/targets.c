/* Fuzz targets: the table. */
#include "tests/fuzz/target_data.h"
#include "tests/fuzz/target_job.h"
#include "tests/fuzz/target_weights.h"

const struct fuzz_target fuzz_targets[] = {
    {"idx", fuzz_idx},
    {"npy", fuzz_npy},
    {"cifar", fuzz_cifar},
    {"images", fuzz_images},
    {"archive", fuzz_archive},
    {"tar", fuzz_tar},
    {"image", fuzz_image},
    {"spec", fuzz_spec},
    {"checkpoint", fuzz_checkpoint},
    {"safetensors", fuzz_safetensors},
    {NULL, NULL},
};
