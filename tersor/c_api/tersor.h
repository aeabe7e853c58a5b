/* The C interface of the deployable runtime, libtersor_runtime.so.
 *
 *   tersor_model *model;
 *   tersor_status status = tersor_load_file("model.tersor", NULL, &model);
 *   if (status != TERSOR_OK) return puts(tersor_last_error());
 *   const void *inputs[] = {image};
 *   void *outputs[] = {probabilities};
 *   tersor_run(model, inputs, outputs);
 *   tersor_free(model);
 *
 * Loads .tersor files (docs/format.md), prepares them for this CPU once, and runs them; tersor_run
 * neither allocates nor takes a lock. A model is used by one thread at a time; different models by
 * any threads. No function throws, aborts on bad input, or keeps a pointer of the caller beyond the
 * call, unless it says so. */
#ifndef TERSOR_C_API_TERSOR_H_
#define TERSOR_C_API_TERSOR_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TERSOR_API __attribute__((visibility("default")))
#else
#define TERSOR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tersor_model tersor_model;

typedef enum tersor_status {
  TERSOR_OK = 0,
  TERSOR_INVALID_ARGUMENT = 1,   /* the call makes no sense */
  TERSOR_NOT_FOUND = 2,          /* no such file */
  TERSOR_DATA_LOSS = 3,          /* the file is damaged */
  TERSOR_UNSUPPORTED = 4,        /* the file asks for what this build does not have */
  TERSOR_RESOURCE_EXHAUSTED = 5, /* the system gives no more memory or threads */
  TERSOR_IO_ERROR = 6,           /* the operating system refused */
  TERSOR_INTERNAL = 7            /* a bug in Tersor */
} tersor_status;

typedef enum tersor_dtype {
  TERSOR_F32 = 0,
  TERSOR_F16 = 1,
  TERSOR_BF16 = 2,
  TERSOR_I4 = 3,
  TERSOR_I8 = 4,
  TERSOR_U8 = 5,
  TERSOR_I16 = 6,
  TERSOR_I32 = 7,
  TERSOR_I64 = 8,
  TERSOR_BOOL = 9
} tersor_dtype;

#define TERSOR_MAX_RANK 8

/* One input or output. real = scale * (value - zero_point); scale is 0 where the values are not
 * quantized. */
typedef struct tersor_tensor {
  const char *name; /* lives as long as the model */
  tersor_dtype dtype;
  int rank;
  int64_t shape[TERSOR_MAX_RANK];
  size_t size_bytes;
  float scale;
  int32_t zero_point;
} tersor_tensor;

typedef struct tersor_options {
  int threads;   /* threads of one run, the caller's among them, at most 256; 0 means 1 */
  int64_t batch; /* what a batch that the model leaves open becomes; 0 means 1 */
} tersor_options;

/* Version of the library, "0.1.0". */
TERSOR_API const char *tersor_version(void);
/* Why the last call of this thread failed; "" if none did. Valid until the thread's next call. */
TERSOR_API const char *tersor_last_error(void);

/* Loads a model. `options` may be NULL. On success *model must be freed; on failure it is NULL. */
TERSOR_API tersor_status tersor_load_file(const char *path, const tersor_options *options,
                                          tersor_model **model);
/* The same from memory, which is copied. */
TERSOR_API tersor_status tersor_load_memory(const void *bytes, size_t size_bytes,
                                            const tersor_options *options, tersor_model **model);
/* NULL is fine. */
TERSOR_API void tersor_free(tersor_model *model);

TERSOR_API int tersor_input_count(const tersor_model *model);
TERSOR_API int tersor_output_count(const tersor_model *model);
TERSOR_API tersor_status tersor_input(const tersor_model *model, int index, tersor_tensor *tensor);
TERSOR_API tersor_status tersor_output(const tersor_model *model, int index, tersor_tensor *tensor);
/* Memory that a run works in, and that packed weights take. */
TERSOR_API size_t tersor_arena_bytes(const tersor_model *model);
TERSOR_API size_t tersor_packed_bytes(const tersor_model *model);

/* Runs the model: one pointer for each input and output, in the model's order, each to size_bytes
 * bytes, dense. Outputs do not overlap inputs. */
TERSOR_API tersor_status tersor_run(tersor_model *model, const void *const *inputs,
                                    void *const *outputs);

#ifdef __cplusplus
}
#endif

#endif /* TERSOR_C_API_TERSOR_H_ */
