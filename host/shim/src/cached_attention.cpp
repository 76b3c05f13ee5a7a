// Attention of one query per sequence to a cache of keys and values of which each sequence fills its own length.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include "shim.h"

namespace {

struct Shape {
  int64_t heads, key_heads, width, capacity;
  float scale;
};

// The exponential of numbers of at most 0, to 2 units in the last place: Cephes' polynomial, which vectorises.
inline float exponential(float x) {
  x = std::max(x, -87.0f);
  const int32_t power = static_cast<int32_t>(x * 1.44269504088896341f - 0.5f);
  const float n = static_cast<float>(power);
  const float rest = x - n * 0.693359375f + n * 2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * rest + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * rest * rest + rest + 1.0f;
  const int32_t bits = (power + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return y * scale;
}

// One head of one sequence. `Width` is the head width, or 0 where that is known only now.
template <int64_t Width>
inline __attribute__((always_inline)) void head(
    const Shape& shape, const float* query, const float* keys, const float* values, int64_t length, float* scores,
    float* out) {
  const int64_t width = Width ? Width : shape.width;
  const int64_t stride = shape.key_heads * shape.width;
  float largest = -INFINITY;
  for (int64_t at = 0; at < length; ++at) {
    const float* key = keys + at * stride;
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += query[i] * key[i];
    scores[at] = sum * shape.scale;
    largest = std::max(largest, scores[at]);
  }
  float total = 0.0f;
#pragma omp simd reduction(+ : total)
  for (int64_t at = 0; at < length; ++at) {
    scores[at] = exponential(scores[at] - largest);
    total += scores[at];
  }
  // Where a score is NaN or infinite, so is the answer: the caller reports it, nobody samples from it.
  const float weight = std::isfinite(largest) && std::isfinite(total) ? 1.0f / total : NAN;
  std::fill(out, out + width, 0.0f);
  for (int64_t at = 0; at < length; ++at) {
    const float* value = values + at * stride;
    const float share = scores[at];
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) out[i] += share * value[i];
  }
  for (int64_t i = 0; i < width; ++i) out[i] *= weight;
}

#if defined(__x86_64__) && defined(__gnu_linux__)
__attribute__((target_clones("arch=haswell", "default")))
#endif
void sequence(
    const Shape& shape, const float* query, const float* keys, const float* values, int64_t length, float* scores,
    float* out) {
  const int64_t width = shape.width, shared = shape.heads / shape.key_heads;
  for (int64_t number = 0; number < shape.heads; ++number) {
    const float* q = query + number * width;
    const float* k = keys + number / shared * width;
    const float* v = values + number / shared * width;
    float* o = out + number * width;
    switch (width) {
      case 24: head<24>(shape, q, k, v, length, scores, o); break;
      case 32: head<32>(shape, q, k, v, length, scores, o); break;
      case 64: head<64>(shape, q, k, v, length, scores, o); break;
      case 128: head<128>(shape, q, k, v, length, scores, o); break;
      default: head<0>(shape, q, k, v, length, scores, o);
    }
  }
}

}  // namespace

extern "C" char* octo_shim_cached_attention(
    const at::Tensor* query, const at::Tensor* keys, const at::Tensor* values, const int64_t* lengths, size_t count,
    at::Tensor* out) {
  return octo::guarded([&] {
    for (const at::Tensor* tensor : {query, keys, values, static_cast<const at::Tensor*>(out)}) {
      TORCH_CHECK(
          tensor->device().is_cpu() && tensor->scalar_type() == at::kFloat && tensor->is_contiguous(),
          "tensors must be fp32, contiguous and on the CPU");
    }
    TORCH_CHECK(query->dim() == 3 && keys->dim() == 4 && keys->sizes() == values->sizes(), "shapes do not fit");
    TORCH_CHECK(out->sizes() == query->sizes(), "shapes do not fit");
    const Shape shape{query->size(1), keys->size(2), query->size(2), keys->size(1),
                      1.0f / std::sqrt(static_cast<float>(query->size(2)))};
    TORCH_CHECK(
        shape.key_heads > 0 && shape.heads % shape.key_heads == 0 && keys->size(3) == shape.width &&
            query->size(0) == static_cast<int64_t>(count) && keys->size(0) >= query->size(0),
        "shapes do not fit");
    int64_t longest = 0;
    for (size_t row = 0; row < count; ++row) {
      TORCH_CHECK(lengths[row] >= 1 && lengths[row] <= shape.capacity, "a length is not within the cache");
      longest = std::max(longest, lengths[row]);
    }
    const float* q = query->const_data_ptr<float>();
    const float* k = keys->const_data_ptr<float>();
    const float* v = values->const_data_ptr<float>();
    float* o = out->mutable_data_ptr<float>();
    const int64_t row_size = shape.capacity * shape.key_heads * shape.width;
    const int64_t query_size = shape.heads * shape.width;
    at::parallel_for(0, static_cast<int64_t>(count), 1, [&](int64_t begin, int64_t end) {
      std::vector<float> scores(static_cast<size_t>(longest));
      for (int64_t row = begin; row < end; ++row) {
        sequence(
            shape, q + row * query_size, k + row * row_size, v + row * row_size, lengths[row], scores.data(),
            o + row * query_size);
      }
    });
  });
}
