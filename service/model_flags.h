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

// --weights=stored|int8|int4.
void AddWeightsFlag(CLI::App* app, WeightPrecision* precision,
                    const std::string& description);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_MODEL_FLAGS_H_
