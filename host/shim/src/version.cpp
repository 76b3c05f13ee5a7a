// What libtorch reports of itself.

#include "shim.h"

#include <cstring>
#include <string>

#include <ATen/Version.h>

extern "C" {

// A text for octo_shim_free, which says how the library that is loaded was built; null where it cannot say.
char* octo_shim_build_settings() {
  char* settings = nullptr;
  char* refused = octo::guarded([&] { settings = octo::message(at::show_config().c_str()); });
  if (refused) {
    octo_shim_free(refused);
    return nullptr;
  }
  return settings;
}

}
