// What a process knows and sets about its GPU, through libtorch's headers that need no CUDA.

#include "shim.h"

#include <cstdint>

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Stream.h>

using octo::guarded;

extern "C" {

// Current and peak bytes of tensors, then of what is taken from the driver for them.
char* octo_shim_memory(int index, int64_t* four) {
  return guarded([&] {
    auto stats = c10::getDeviceAllocator(c10::DeviceType::CUDA)->getDeviceStats(static_cast<c10::DeviceIndex>(index));
    auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    four[0] = stats.allocated_bytes[all].current;
    four[1] = stats.allocated_bytes[all].peak;
    four[2] = stats.reserved_bytes[all].current;
    four[3] = stats.reserved_bytes[all].peak;
  });
}

char* octo_shim_reset_peak_memory(int index) {
  return guarded([&] {
    c10::getDeviceAllocator(c10::DeviceType::CUDA)->resetPeakStats(static_cast<c10::DeviceIndex>(index));
  });
}

char* octo_shim_empty_cache() {
  return guarded([&] { c10::getDeviceAllocator(c10::DeviceType::CUDA)->emptyCache(); });
}

char* octo_shim_make_current(int index) {
  return guarded([&] { at::accelerator::setDeviceIndex(static_cast<c10::DeviceIndex>(index)); });
}

// A copy on the GPU, from pinned memory, that is queued and not waited for.
char* octo_shim_upload(at::Tensor* tensor, int index, at::Tensor** there) {
  return guarded([&] {
    c10::Device device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
    *there = octo::given(tensor->pin_memory().to(device, tensor->scalar_type(), /*non_blocking=*/true));
  });
}

// The stream that libtorch's own work on this device goes to: a cudaStream_t, null for the default one.
char* octo_shim_current_stream(int index, void** stream) {
  return guarded([&] {
    *stream = at::accelerator::getCurrentStream(static_cast<c10::DeviceIndex>(index)).native_handle();
  });
}

char* octo_shim_allow_tf32(bool allowed) {
  return guarded([&] {
    at::globalContext().setAllowTF32CuBLAS(allowed);
    at::globalContext().setAllowTF32CuDNN(allowed);
  });
}

bool octo_shim_allows_tf32() {
  try {
    return at::globalContext().allowTF32CuBLAS();
  } catch (...) {
    return false;
  }
}

char* octo_shim_deterministic(bool wanted) {
  return guarded([&] {
    auto& context = at::globalContext();
    context.setDeterministicAlgorithms(wanted, /*warn_only=*/false);
    context.setDeterministicCuDNN(wanted);
    context.setBenchmarkCuDNN(false);
    // Finds reads of memory that nobody wrote, for a pass over every new tensor. It is not part of being repeatable.
    context.setDeterministicFillUninitializedMemory(false);
  });
}

bool octo_shim_is_deterministic() { return at::globalContext().deterministicAlgorithms(); }

}
