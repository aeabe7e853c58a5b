/* Runs a .tersor model once on zeros and prints its inputs, its outputs and their first values.
 *
 *   cc run_model.c -ltersor_runtime -o run_model && ./run_model model.tersor */
#include <stdio.h>
#include <stdlib.h>

#include "tersor/c_api/tersor.h"

static int fail(const char *doing) {
  fprintf(stderr, "%s: %s\n", doing, tersor_last_error());
  return 1;
}

static void describe(const char *kind, const tersor_tensor *tensor) {
  printf("%s %s: dtype %d, shape [", kind, tensor->name, (int)tensor->dtype);
  for (int axis = 0; axis < tensor->rank; ++axis) {
    printf("%s%lld", axis == 0 ? "" : ",", (long long)tensor->shape[axis]);
  }
  printf("], %zu bytes\n", tensor->size_bytes);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: run_model MODEL.tersor\n");
    return 2;
  }
  tersor_model *model = NULL;
  if (tersor_load_file(argv[1], NULL, &model) != TERSOR_OK) return fail(argv[1]);

  enum { kMost = 16 };
  const void *inputs[kMost];
  void *outputs[kMost];
  void *memory[2 * kMost];
  int used = 0, status = 0;
  const int input_count = tersor_input_count(model), output_count = tersor_output_count(model);
  if (input_count > kMost || output_count > kMost) return 1;
  for (int i = 0; i < input_count + output_count; ++i) {
    tersor_tensor tensor;
    const int is_input = i < input_count;
    if ((is_input ? tersor_input(model, i, &tensor)
                  : tersor_output(model, i - input_count, &tensor)) != TERSOR_OK) {
      return fail("describe");
    }
    describe(is_input ? "input " : "output", &tensor);
    memory[used] = calloc(1, tensor.size_bytes);
    if (memory[used] == NULL) return 1;
    if (is_input) {
      inputs[i] = memory[used++];
    } else {
      outputs[i - input_count] = memory[used++];
    }
  }
  if (tersor_run(model, inputs, outputs) != TERSOR_OK) {
    status = fail("run");
  } else {
    for (int i = 0; i < output_count; ++i) {
      tersor_tensor tensor;
      if (tersor_output(model, i, &tensor) != TERSOR_OK) return fail("describe");
      printf("first value of output %d: ", i);
      if (tensor.dtype == TERSOR_F32) {
        printf("%g\n", (double)((const float *)outputs[i])[0]);
      } else {
        printf("%d\n", (int)((const signed char *)outputs[i])[0]);
      }
    }
    printf("arena %zu bytes, packed weights %zu bytes\n", tersor_arena_bytes(model),
           tersor_packed_bytes(model));
  }
  while (used > 0) free(memory[--used]);
  tersor_free(model);
  return status;
}
