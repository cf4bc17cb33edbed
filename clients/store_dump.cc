// store_dump: what is in a store, read-only; the store may be in use.
#include <iostream>

#include "CLI/CLI.hpp"
#include "store/describe_store.h"

int main(int argc, char** argv) {
  oxbow::DescribeOptions options;
  CLI::App app("Prints what is in an Oxbow store, and what of it is damaged.");
  app.add_option("--store", options.path, "the store's folder")->required();
  app.add_option("--stream", options.stream, "all about this stream");
  app.add_option("--tenant", options.tenant, "whose stream it is")
      ->capture_default_str();
  app.add_option("--records", options.records_max,
                 "log records to show, the newest")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = oxbow::DescribeStore(options, std::cout);
  if (status.ok()) return 0;
  std::cerr << "store_dump: " << status.message() << "\n";
  return 1;
}
