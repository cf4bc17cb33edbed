// HTTP/2 by hand (RFC 9113), for clients that misbehave as no library lets
// them.
#ifndef OXBOW_TESTS_TESTING_RAW_HTTP2_H_
#define OXBOW_TESTS_TESTING_RAW_HTTP2_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace oxbow {

// One connection, without TLS. Never gives the peer more window than HTTP/2
// begins with, 64 KiB a call and in all. Thread-compatible.
class RawHttp2 {
 public:
  enum Frame : uint8_t {
    kData = 0,
    kHeaders = 1,
    kReset = 3,
    kSettings = 4,
    kContinuation = 9,
  };
  static constexpr uint8_t kEndStream = 1;
  static constexpr uint8_t kEndHeaders = 4;

  // `address` as "127.0.0.1:PORT". Sends the preface and its settings, and
  // waits for nothing.
  static absl::StatusOr<std::unique_ptr<RawHttp2>> Connect(
      const std::string& address);
  ~RawHttp2();

  // Begins a call of "/package.Service/Method"; its stream's number.
  uint32_t Open(absl::string_view method);
  // Headers of a call, to be put into frames.
  static std::string HeadersOf(absl::string_view method);
  // A header that is not compressed.
  static std::string Header(absl::string_view name, absl::string_view value);
  // The same, the `value_bytes` of its value still to come.
  static std::string HeaderBeginning(absl::string_view name,
                                     uint32_t value_bytes);
  // A message of gRPC, or the beginning of one that says it has `bytes`.
  static std::string Message(absl::string_view part, uint32_t bytes);
  static std::string Message(absl::string_view whole) {
    return Message(whole, whole.size());
  }

  void SendData(uint32_t stream, absl::string_view data, bool is_last = false);
  void Reset(uint32_t stream);
  // A payload of up to 16 KiB. What the peer does not take at once waits here;
  // Push() goes on with it.
  void SendFrame(Frame type, uint8_t flags, uint32_t stream,
                 absl::string_view payload);
  uint32_t NextStream();

  // Sends what waits, as far as the peer takes it. False: the connection is
  // gone.
  bool Push();
  // Bytes that wait for the peer to take them.
  size_t waiting_bytes() const { return waiting_.size(); }
  int64_t sent_bytes() const { return sent_bytes_; }
  // What has come since the last time, frames and all, without waiting.
  std::string Receive();

 private:
  explicit RawHttp2(int fd) : fd_(fd) {}

  const int fd_;
  uint32_t next_stream_ = 1;
  std::string waiting_;
  int64_t sent_bytes_ = 0;
  bool is_gone_ = false;
};

}  // namespace oxbow

#endif  // OXBOW_TESTS_TESTING_RAW_HTTP2_H_
