// Operations on lists of tensors: one launch for many, where a loop would be one for each.

#include "shim.h"

#include <cstdlib>
#include <cstring>
#include <optional>

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

namespace octo {

char* message(const char* text) {
  char* copy = static_cast<char*>(std::malloc(std::strlen(text) + 1));
  return copy ? std::strcpy(copy, text) : const_cast<char*>("");
}

}  // namespace octo

using octo::given;
using octo::guarded;
using octo::list;

extern "C" {

void octo_shim_free(char* text) {
  if (text && *text) std::free(text);
}

char* octo_shim_fused_adamw(
    at::Tensor* const* parameters, at::Tensor* const* gradients, at::Tensor* const* first, at::Tensor* const* second,
    size_t count, at::Tensor* step, double learning_rate, double beta1, double beta2, double weight_decay,
    double epsilon, at::Tensor* divisor) {
  return guarded([&] {
    auto divide = divisor ? std::optional<at::Tensor>(*divisor) : std::nullopt;
    std::vector<at::Tensor> steps(count, *step);
    at::_fused_adamw_(
        list(parameters, count), list(gradients, count), list(first, count), list(second, count), {}, steps,
        learning_rate, beta1, beta2, weight_decay, epsilon, /*amsgrad=*/false, /*maximize=*/false, divide);
  });
}

char* octo_shim_forget_gradients(at::Tensor* const* parameters, size_t count) {
  return guarded([&] {
    for (size_t index = 0; index < count; ++index) parameters[index]->mutable_grad().reset();
  });
}

char* octo_shim_joint_norm(at::Tensor* const* tensors, size_t count, at::Tensor** norm) {
  return guarded([&] {
    auto norms = at::_foreach_norm(list(tensors, count), 2, at::kFloat);
    *norm = given(at::linalg_vector_norm(at::stack(norms), 2));
  });
}

char* octo_shim_multiply(at::Tensor* const* tensors, size_t count, at::Tensor* factor) {
  return guarded([&] { at::_foreach_mul_(list(tensors, count), *factor); });
}

}
