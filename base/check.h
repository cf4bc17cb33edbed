// CHECK: stops the process on a bug of ours, with a sentence. Never used on
// anything the world can cause (files, bytes, clients, limits): those are
// absl::Status.
#ifndef OXBOW_BASE_CHECK_H_
#define OXBOW_BASE_CHECK_H_

#include <cstdlib>
#include <iostream>
#include <sstream>

namespace oxbow {

// Collects the message of one failed CHECK and aborts when it goes.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition) {
    message_ << file << ":" << line << ": CHECK failed: " << condition << " ";
  }
  [[noreturn]] ~CheckFailure() {
    std::cerr << message_.str() << std::endl;
    std::abort();
  }
  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

}  // namespace oxbow

#define OXBOW_CHECK(condition) \
  while (!(condition))         \
  ::oxbow::CheckFailure(__FILE__, __LINE__, #condition).stream()

#define OXBOW_CHECK_OK(expression)                              \
  do {                                                          \
    const auto& oxbow_check_status = (expression);              \
    OXBOW_CHECK(oxbow_check_status.ok()) << oxbow_check_status; \
  } while (false)

#endif  // OXBOW_BASE_CHECK_H_
