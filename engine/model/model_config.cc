#include "engine/model/model_config.h"

namespace oxbow {

const char* NameOf(RwkvVersion version) {
  switch (version) {
    case RwkvVersion::k4:
      return "RWKV-4";
    case RwkvVersion::k5_0:
      return "RWKV-5.0";
    case RwkvVersion::k5_1:
      return "RWKV-5.1";
    case RwkvVersion::k5_2:
      return "RWKV-5.2";
    case RwkvVersion::k6:
      return "RWKV-6";
    case RwkvVersion::k7:
      return "RWKV-7";
  }
  return "?";
}

}  // namespace oxbow
