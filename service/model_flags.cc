#include "service/model_flags.h"

namespace oxbow {

void AddLoraFlag(CLI::App* app, std::vector<AdapterFile>* adapters) {
  app->add_option_function<std::vector<std::string>>(
         "--lora",
         [adapters](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const auto file = ParseAdapterFile(text);
             if (!file.ok()) {
               throw CLI::ValidationError("--lora",
                                          std::string(file.status().message()));
             }
             adapters->push_back(*file);
           }
         },
         "A LoRA file of RWKV-PEFT, merged into the model while it is loaded. "
         "SCALE is the lora_alpha / r of its training, which the file does not "
         "say: 2 for alpha 128 and r 64. Default: 1. May be given again: "
         "merged in this order")
      ->type_name("PATH[:SCALE]")
      ->allow_extra_args(false);
}

}  // namespace oxbow
