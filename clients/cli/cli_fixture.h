// Runs the program in a test, against a puppet engine.
#ifndef OXBOW_CLIENTS_CLI_CLI_FIXTURE_H_
#define OXBOW_CLIENTS_CLI_CLI_FIXTURE_H_

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/cli.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "service/puppet_server.h"

namespace oxbow::cli {

using Json = nlohmann::ordered_json;

struct Result {
  int code = 0;
  std::string out;
  std::string err;

  std::vector<Json> lines() const {
    std::vector<Json> parsed;
    for (const absl::string_view line :
         absl::StrSplit(out, '\n', absl::SkipEmpty())) {
      parsed.push_back(Json::parse(line));
    }
    return parsed;
  }
};

inline std::vector<std::string> KeysOf(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& item : json.items()) keys.push_back(item.key());
  return keys;
}

inline std::string SomeText(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) {
    absl::StrAppend(&text, "line ", i, " of a long document\n");
  }
  text.resize(size);
  return text;
}

class CliTest : public testing::Test {
 protected:
  Result Run(std::vector<std::string> arguments, int stdin_fd = -1) {
    arguments.insert(arguments.begin(),
                     {"oxbow", "--server=" + server_.address()});
    return RunRaw(arguments, stdin_fd);
  }
  Result RunJson(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    return Run(std::move(arguments));
  }
  static Result RunRaw(const std::vector<std::string>& arguments,
                       int stdin_fd = -1) {
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) {
      argv.push_back(argument.c_str());
    }
    std::ostringstream out, err;
    Streams streams;
    streams.stdin_fd = stdin_fd;
    streams.out = &out;
    streams.err = &err;
    Result result;
    result.code = RunCli(argv.size(), argv.data(), streams);
    result.out = out.str();
    result.err = err.str();
    return result;
  }
  // A file of these bytes.
  std::string File(const std::string& bytes) {
    const std::string path =
        absl::StrCat(testing::TempDir(), "/cli_test_", getpid(), "_", files_++);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  // A pipe that gives these bytes.
  int Pipe(const std::string& bytes) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    feeders_.emplace_back([fd = ends[1], bytes] {
      for (size_t sent = 0; sent < bytes.size();) {
        const ssize_t count =
            write(fd, bytes.data() + sent, bytes.size() - sent);
        if (count <= 0) break;
        sent += count;
      }
      close(fd);
    });
    return ends[0];
  }
  ~CliTest() override {
    for (std::thread& feeder : feeders_) feeder.join();
  }
  PuppetEngine& engine() { return server_.engine(); }

  PuppetServer server_;
  int files_ = 0;
  std::vector<std::thread> feeders_;
};

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_CLI_FIXTURE_H_
