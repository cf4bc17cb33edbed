#include "store/testing/killed_writer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "gtest/gtest.h"

namespace oxbow {
namespace {

constexpr char kWriter[] = "store/testing/crash_writer";

}  // namespace

uint64_t WriteAndKill(const std::string& folder, int acks, uint64_t before) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    execl(kWriter, kWriter, folder.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  FILE* lines = fdopen(ends[0], "r");
  uint64_t acked = before;
  unsigned long number = 0;
  // At least one, so that it is known to have started.
  for (int i = 0; i <= acks && fscanf(lines, "%lu", &number) == 1; ++i) {
    acked = number + 1;
  }
  kill(child, SIGKILL);
  while (fscanf(lines, "%lu", &number) == 1) acked = number + 1;
  fclose(lines);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
  return acked;
}

}  // namespace oxbow
