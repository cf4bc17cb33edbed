// Flags about models that more than one program has.
#ifndef OXBOW_SERVICE_MODEL_FLAGS_H_
#define OXBOW_SERVICE_MODEL_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "engine/weights/adapter_file.h"
#include "engine/weights/weight_precision.h"

namespace oxbow {

// --lora=PATH[:SCALE], as often as one likes. A bad one is a CLI::ParseError.
void AddLoraFlag(CLI::App* app, std::vector<AdapterFile>* adapters);

// --weights=stored|int8|int4. `Precision` is a WeightPrecision, or an optional
// one that stays empty without the flag.
template <class Precision>
CLI::Option* AddWeightsFlag(CLI::App* app, Precision* precision,
                            const std::string& description) {
  return app
      ->add_option_function<std::string>(
          "--weights",
          [precision](const std::string& kind) {
            *precision = kind == "int8"   ? WeightPrecision::kInt8
                         : kind == "int4" ? WeightPrecision::kInt4
                                          : WeightPrecision::kAsStored;
          },
          description)
      ->check(CLI::IsMember({"stored", "int8", "int4"}));
}

}  // namespace oxbow

#endif  // OXBOW_SERVICE_MODEL_FLAGS_H_
