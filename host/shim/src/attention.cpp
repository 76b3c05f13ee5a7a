// Flash attention over packed sequences. libtorch has its derivative (`FlashAttentionBackward0`), so a graph goes
// through it like through any operation.

#include "shim.h"

#include <tuple>

#include <ATen/ops/_flash_attention_forward.h>

extern "C" {

char* octo_shim_packed_flash_attention(
    at::Tensor* query, at::Tensor* key, at::Tensor* value, at::Tensor* boundaries, int64_t longest,
    at::Tensor** attended) {
  return octo::guarded(
      [&] {
        auto found = at::_flash_attention_forward(
            *query, *key, *value, *boundaries, *boundaries, longest, longest, /*dropout_p=*/0.0, /*is_causal=*/true,
            /*return_debug_mask=*/false);
        *attended = octo::given(std::get<0>(found));
      },
      /*with_graph=*/true);
}

}
