// What every file of the shim shares. Each function of the shim catches every exception and hands its words back: null
// is success, anything else a message that octo_shim_free takes.
#pragma once

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

// Frees a message.
extern "C" void octo_shim_free(char* text);

namespace octo {

// A copy of `text` for octo_shim_free.
char* message(const char* text);

// Runs `work` with or without a graph, and gives what it threw.
template <typename Work>
char* guarded(Work work, bool with_graph = false) {
  try {
    c10::AutoGradMode mode(with_graph && c10::GradMode::is_enabled());
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return message(error.what());
  } catch (...) {
    return message("an exception without words");
  }
}

inline std::vector<at::Tensor> list(at::Tensor* const* tensors, size_t count) {
  std::vector<at::Tensor> copies;
  copies.reserve(count);
  for (size_t index = 0; index < count; ++index) copies.push_back(*tensors[index]);
  return copies;
}

// A tensor that becomes tch's, which deletes it.
inline at::Tensor* given(at::Tensor tensor) { return new at::Tensor(std::move(tensor)); }

}  // namespace octo
