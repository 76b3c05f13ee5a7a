// What needs libtorch_cuda: its presence, the names of GPUs, graphs of launches. Where the build has no CUDA headers,
// each says so.
//
// OCTO_TORCH_CUDA: libtorch_cuda is linked. OCTO_CUDA_HEADERS: CUDA's own headers are there too.

#include "shim.h"

#include <cstring>
#include <memory>
#include <stdexcept>

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>

#ifdef OCTO_CUDA_HEADERS
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/StreamGuard.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
// Of ATen/cuda/CUDAContextLight.h, which would want the headers of cuBLAS, cuSPARSE and cuSOLVER too.
namespace at::cuda {
cudaDeviceProp* getDeviceProperties(c10::DeviceIndex device);
}
#elif defined(OCTO_TORCH_CUDA)
namespace at::cuda {
std::pair<unsigned long long, unsigned long long> graph_pool_handle();
}
#endif

using octo::guarded;

namespace {

[[noreturn]] void without_headers() {
  throw std::runtime_error(
      "this build has no CUDA headers: set CUDA_HOME, or install nvidia-cuda-runtime and nvidia-cuda-crt beside torch");
}

#ifdef OCTO_CUDA_HEADERS
struct Graph {
  at::cuda::CUDAGraph graph;
  // While it is being recorded: graphs cannot be recorded on the default stream.
  std::unique_ptr<c10::StreamGuard> stream;
};
#endif

}  // namespace

extern "C" {

// GPUs that libtorch can use. A linker drops a library that nobody calls, and libtorch_cuda registers its kernels by
// being loaded, so it is called here.
int octo_shim_cuda_devices() {
  try {
#ifdef OCTO_TORCH_CUDA
    (void)at::cuda::graph_pool_handle();
#endif
    return at::globalContext().hasCUDA() ? at::accelerator::deviceCount() : 0;
  } catch (...) {
    return 0;
  }
}

// At most `size` bytes, a terminating zero among them.
char* octo_shim_device_name(int index, char* name, size_t size) {
  return guarded([&] {
#ifdef OCTO_CUDA_HEADERS
    std::strncpy(name, at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index))->name, size - 1);
    name[size - 1] = 0;
#else
    (void)index, (void)name, (void)size;
    without_headers();
#endif
  });
}

char* octo_shim_begin_recording(int index, void** made) {
  return guarded([&] {
#ifdef OCTO_CUDA_HEADERS
    auto device = static_cast<c10::DeviceIndex>(index);
    auto recording = std::make_unique<Graph>();
    // What was launched before must not be waited for inside of the graph.
    c10::cuda::device_synchronize();
    auto side = at::cuda::getStreamFromPool(/*isHighPriority=*/false, device);
    recording->stream = std::make_unique<c10::StreamGuard>(side.unwrap());
    recording->graph.capture_begin();
    *made = recording.release();
#else
    (void)index, (void)made;
    without_headers();
#endif
  });
}

char* octo_shim_end_recording(void* made) {
  return guarded([&] {
#ifdef OCTO_CUDA_HEADERS
    auto* recording = static_cast<Graph*>(made);
    auto stream = std::move(recording->stream);
    recording->graph.capture_end();
#else
    (void)made;
    without_headers();
#endif
  });
}

char* octo_shim_replay(void* made) {
  return guarded([&] {
#ifdef OCTO_CUDA_HEADERS
    static_cast<Graph*>(made)->graph.replay();
#else
    (void)made;
    without_headers();
#endif
  });
}

void octo_shim_free_graph(void* made) {
#ifdef OCTO_CUDA_HEADERS
  try {
    delete static_cast<Graph*>(made);
  } catch (...) {
  }
#else
  (void)made;
#endif
}

}
