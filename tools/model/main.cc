// oxbow-model: looks at, checks and rewrites files of weights.
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "service/model_flags.h"
#include "tools/model/convert.h"
#include "tools/model/inspect.h"
#include "tools/model/load_chosen.h"
#include "tools/model/tuned_state.h"

namespace oxbow {
namespace {

// After sysexits.h, as oxbowd's.
constexpr int kExitUsage = 64;
constexpr int kExitNoInput = 66;

constexpr char kDescription[] =
    "oxbow-model looks at, checks and rewrites files of RWKV weights, whatever "
    "their\nformat. It says in one sentence why a file is none.\n";

constexpr char kFooter[] =
    "\nExit codes: 0 done. 64 the command line is wrong. 66 a file cannot be "
    "read or\nwritten, or is no model this Oxbow runs.\n"
    "\nExamples:\n"
    "  oxbow-model inspect rwkv7-g1a-0.1b.pth --tensors\n"
    "  oxbow-model verify model.gguf\n"
    "  oxbow-model convert model.gguf model.safetensors --dtype=bf16\n"
    "  oxbow-model state model.pth tuned.pth tuned.state\n";

void AddModel(CLI::App* command, ModelChoice* model) {
  command->add_option("FILE", model->path, "The model")->required();
  AddLoraFlag(command, &model->adapters);
  AddWeightsFlag(command, &model->weights,
                 "As oxbowd takes it: what the model becomes, and its ids");
}

void AddTokenizer(CLI::App* command, ModelChoice* model) {
  command
      ->add_option("--tokenizer", model->tokenizer,
                   "As oxbowd takes it, for the model id")
      ->type_name("KIND");
}

void AddInspect(CLI::App* app, InspectFlags* flags) {
  CLI::App* inspect = app->add_subcommand(
      "inspect", "Tell what a file holds: version, sizes, dtypes, ids");
  AddModel(inspect, &flags->model);
  AddTokenizer(inspect, &flags->model);
  inspect->add_flag("--tensors", flags->tensors,
                    "Every tensor: name, shape, dtype, name in the file");
  inspect->add_flag("--json", flags->json, "One JSON object");
}

void AddVerify(CLI::App* app, InspectFlags* flags) {
  CLI::App* verify = app->add_subcommand(
      "verify",
      "Read every number: none is missing, NaN or infinite; tell the digest");
  AddModel(verify, &flags->model);
  verify->add_flag("--json", flags->json, "One JSON object");
}

void AddConvert(CLI::App* app, ConvertFlags* flags) {
  CLI::App* convert = app->add_subcommand(
      "convert",
      "Write the weights as .safetensors under BlinkDL's names. Numbers stay "
      "as they are;\nquantized blocks become the fp32 numbers they stand for, "
      "unless --weights is given");
  convert->add_option("FILE", flags->from, "The model")->required();
  convert->add_option("OUT", flags->to, "The .safetensors file to write")
      ->required();
  AddLoraFlag(convert, &flags->adapters);
  CLI::Option* dtype = convert->add_option(
      "--dtype", flags->dtype,
      "Round all numbers to this one, to nearest, ties to even");
  dtype->check(CLI::IsMember({"fp32", "fp16", "bf16"}));
  AddWeightsFlag(convert, &flags->weights,
                 "Write what oxbowd --weights makes of the model: a file of "
                 "its size that needs no quantizing, for Oxbow only. stored: "
                 "blocks as they are")
      ->excludes(dtype);
}

void AddState(CLI::App* app, TunedStateFlags* flags) {
  CLI::App* state = app->add_subcommand(
      "state",
      "Make a tuned state (blocks.N.att.time_state of every layer) a state "
      "file, which\n`oxbow import` makes a new stream of");
  AddModel(state, &flags->model);
  AddTokenizer(state, &flags->model);
  state->add_option("TUNED", flags->tuned, "The .pth or .safetensors file")
      ->required();
  state->add_option("OUT", flags->to, "The state file to write")->required();
}

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "oxbow-model");
  app.footer(kFooter);
  app.require_subcommand(1);
  InspectFlags inspect, verify;
  ConvertFlags convert;
  TunedStateFlags state;
  AddInspect(&app, &inspect);
  AddVerify(&app, &verify);
  AddConvert(&app, &convert);
  AddState(&app, &state);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : kExitUsage;
  }
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  absl::Status status;
  if (app.got_subcommand("inspect")) {
    status = Inspect(inspect, is_terminal, &std::cout);
  } else if (app.got_subcommand("verify")) {
    status = Verify(verify, is_terminal, &std::cout);
  } else if (app.got_subcommand("state")) {
    status = WriteTunedState(state, is_terminal, &std::cout);
  } else {
    status = Convert(convert, is_terminal, &std::cout);
  }
  if (status.ok()) return 0;
  std::cerr << "oxbow-model: " << status.message() << std::endl;
  return kExitNoInput;
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) { return oxbow::Main(argc, argv); }
