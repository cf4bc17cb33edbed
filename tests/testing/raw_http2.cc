#include "tests/testing/raw_http2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace oxbow {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameBytesMax = 1 << 14;

std::string BigEndian(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

// The length of a string as HPACK has it (RFC 7541, 5.2), no Huffman code.
std::string HpackLength(size_t rest) {
  std::string out;
  if (rest < 127) {
    out.push_back(static_cast<char>(rest));
  } else {
    out.push_back(127);
    for (rest -= 127; rest >= 128; rest /= 128) {
      out.push_back(static_cast<char>(rest % 128 + 128));
    }
    out.push_back(static_cast<char>(rest));
  }
  return out;
}

std::string Hpack(absl::string_view text) {
  return absl::StrCat(HpackLength(text.size()), text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RawHttp2>> RawHttp2::Connect(
    const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  OXBOW_CHECK(absl::SimpleAtoi(address.substr(colon + 1), &port));
  peer.sin_port = htons(port);
  OXBOW_CHECK(inet_pton(AF_INET, address.substr(0, colon).c_str(),
                        &peer.sin_addr) == 1);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ResourceExhaustedError("no socket");
  std::unique_ptr<RawHttp2> connection(new RawHttp2(fd));
  if (connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot connect: ", errno));
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  connection->waiting_ = kPreface;
  connection->SendFrame(kSettings, 0, 0, "");
  return connection;
}

RawHttp2::~RawHttp2() { close(fd_); }

std::string RawHttp2::Header(absl::string_view name, absl::string_view value) {
  // A literal that is not indexed, with a new name.
  return absl::StrCat(absl::string_view("\0", 1), Hpack(name), Hpack(value));
}

std::string RawHttp2::HeaderBeginning(absl::string_view name,
                                      uint32_t value_bytes) {
  return absl::StrCat(absl::string_view("\0", 1), Hpack(name),
                      HpackLength(value_bytes));
}

std::string RawHttp2::HeadersOf(absl::string_view method) {
  return absl::StrCat(Header(":method", "POST"), Header(":scheme", "http"),
                      Header(":path", method), Header(":authority", "test"),
                      Header("content-type", "application/grpc"),
                      Header("te", "trailers"));
}

std::string RawHttp2::Message(absl::string_view part, uint32_t bytes) {
  return absl::StrCat(absl::string_view("\0", 1), BigEndian(bytes, 4), part);
}

uint32_t RawHttp2::NextStream() {
  const uint32_t stream = next_stream_;
  next_stream_ += 2;
  return stream;
}

uint32_t RawHttp2::Open(absl::string_view method) {
  const uint32_t stream = NextStream();
  SendFrame(kHeaders, kEndHeaders, stream, HeadersOf(method));
  return stream;
}

void RawHttp2::SendData(uint32_t stream, absl::string_view data, bool is_last) {
  do {
    const absl::string_view piece = data.substr(0, kFrameBytesMax);
    data.remove_prefix(piece.size());
    SendFrame(kData, is_last && data.empty() ? kEndStream : 0, stream, piece);
  } while (!data.empty());
}

void RawHttp2::Reset(uint32_t stream) {
  SendFrame(kReset, 0, stream, BigEndian(/*CANCEL=*/8, 4));
}

void RawHttp2::SendFrame(Frame type, uint8_t flags, uint32_t stream,
                         absl::string_view payload) {
  OXBOW_CHECK(payload.size() <= kFrameBytesMax);
  absl::StrAppend(&waiting_, BigEndian(payload.size(), 3), BigEndian(type, 1),
                  BigEndian(flags, 1), BigEndian(stream, 4), payload);
  Push();
}

bool RawHttp2::Push() {
  while (!is_gone_ && !waiting_.empty()) {
    const ssize_t sent =
        send(fd_, waiting_.data(), waiting_.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (sent <= 0) is_gone_ = true;
    if (sent > 0) {
      sent_bytes_ += sent;
      waiting_.erase(0, sent);
    }
  }
  return !is_gone_;
}

std::string RawHttp2::Receive() {
  std::string bytes;
  char buffer[4096];
  while (!is_gone_) {
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got <= 0) is_gone_ = true;
    if (got > 0) bytes.append(buffer, got);
  }
  return bytes;
}

}  // namespace oxbow
