/* JPEG by libjpeg-turbo. Knows nothing of other kinds of image. */
#include "core/image_codec.h"

#include "core/text.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jerror.h>
#include <jpeglib.h>

enum {
    /* A block of 64 pixels in three colours takes a bit at least, but for rare arithmetic coding.
     */
    UNPACK_MOST = 64 * 3 * 8,
    SCANS_MAX = 100 /* a progressive image has some ten; each goes over all of it */
};

struct decoding {
    const struct image_file *file;
    struct image *image;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    uint8_t *row;
    struct error *error;
};

/* libjpeg calls this and must not come back. */
static void fail(j_common_ptr jpeg)
{
    struct decoding *decoding = jpeg->client_data;
    char text[JMSG_LENGTH_MAX] = "", shown[128];

    jpeg->err->format_message(jpeg, text);
    text_show(shown, sizeof(shown), text);
    error_set(decoding->error,
              jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? ERROR_MEMORY : ERROR_CORRUPT,
              decoding->file->name, "the JPEG image cannot be decoded: %s", shown);
    longjmp(decoding->escape, 1);
}

/* The library goes on after damage with pixels of its own invention. Bytes between the parts of a
 * file are no damage, and many cameras leave some. */
static void hear(j_common_ptr jpeg, int level)
{
    if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA)
        fail(jpeg);
}

static void watch(j_common_ptr jpeg)
{
    struct decoding *decoding = jpeg->client_data;

    if (decoding->jpeg.input_scan_number <= SCANS_MAX)
        return;
    error_set(decoding->error, ERROR_TOO_LARGE, decoding->file->name,
              "the JPEG image has more than %d scans", SCANS_MAX);
    longjmp(decoding->escape, 1);
}

/* From the header: shape, limits, conversions, memory. */
static bool begin(struct decoding *decoding)
{
    struct jpeg_decompress_struct *jpeg = &decoding->jpeg;
    struct image shape;

    jpeg_create_decompress(jpeg);
    jpeg->progress = &decoding->progress;
    jpeg_mem_src(jpeg, decoding->file->bytes, decoding->file->size);
    (void)jpeg_read_header(jpeg, TRUE);
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        return error_set(decoding->error, ERROR_UNSUPPORTED, decoding->file->name,
                         "the JPEG image is made of printing inks (CMYK); grey and RGB are read");
    shape = (struct image){.channels = jpeg->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3,
                           .height = jpeg->image_height,
                           .width = jpeg->image_width};
    if (shape.width <= IMAGE_SIDE_MAX && shape.height <= IMAGE_SIDE_MAX &&
        shape.channels * shape.width * shape.height / UNPACK_MOST > (int64_t)decoding->file->size)
        return error_set(decoding->error, ERROR_CORRUPT, decoding->file->name,
                         "the JPEG header claims %" PRId64 "×%" PRId64
                         " pixels, more than the file's bytes can hold",
                         shape.width, shape.height);
    if (!image_begin(decoding->image, &shape, decoding->file->name, decoding->error))
        return false;
    jpeg->out_color_space = shape.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW; /* the same digits with and without vector instructions */
    decoding->row = malloc((size_t)(shape.width * shape.channels));
    return decoding->row != NULL ||
           error_set(decoding->error, ERROR_MEMORY, decoding->file->name, "no memory for an image");
}

static bool decode_guarded(struct decoding *decoding)
{
    struct jpeg_decompress_struct *jpeg = &decoding->jpeg;

    if (setjmp(decoding->escape) != 0)
        return false;
    if (!begin(decoding))
        return false;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = decoding->row;
        int64_t at = jpeg->output_scanline;

        if (jpeg_read_scanlines(jpeg, &row, 1) == 1)
            image_put_row(decoding->image, at, decoding->row);
    }
    (void)jpeg_finish_decompress(jpeg);
    return true;
}

static bool decode(const struct image_file *file, struct image *out, struct error *error)
{
    struct error own = {0};
    struct decoding decoding = {.file = file, .image = out, .error = &own};
    bool good;

    decoding.jpeg.err = jpeg_std_error(&decoding.errors);
    decoding.jpeg.client_data = &decoding;
    decoding.errors.error_exit = fail;
    decoding.errors.emit_message = hear;
    decoding.progress.progress_monitor = watch;
    good = decode_guarded(&decoding);
    jpeg_destroy_decompress(&decoding.jpeg);
    free(decoding.row);
    return good || error_set(error, own.kind, own.where, "%s", own.text);
}

const struct image_codec image_jpeg = {"\xff\xd8\xff", 3, decode};
