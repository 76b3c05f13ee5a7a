// Functions of libtorch for which tch has no binding. Each catches every exception and hands its words back: null is
// success, anything else a message that octo_shim_free takes.

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adamw.h>
#include <c10/core/GradMode.h>

namespace {

char* message(const char* text) {
  char* copy = static_cast<char*>(std::malloc(std::strlen(text) + 1));
  return copy ? std::strcpy(copy, text) : const_cast<char*>("");
}

template <typename Work>
char* guarded(Work work) {
  try {
    c10::AutoGradMode no_grad(false);
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return message(error.what());
  } catch (...) {
    return message("an exception without words");
  }
}

std::vector<at::Tensor> list(at::Tensor* const* tensors, size_t count) {
  std::vector<at::Tensor> copies;
  copies.reserve(count);
  for (size_t index = 0; index < count; ++index) copies.push_back(*tensors[index]);
  return copies;
}

}  // namespace

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

}
