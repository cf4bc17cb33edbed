// SHA-256 (FIPS 180-4) by OpenSSL, as a value.
#ifndef OXBOW_BASE_SHA256_H_
#define OXBOW_BASE_SHA256_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

struct evp_md_ctx_st;

namespace oxbow {

// A SHA-256 sum, 32 bytes.
using Digest = std::array<uint8_t, 32>;

// 64 lower-case hexadecimal digits.
std::string ToHex(const Digest& digest);

// The raw 32 bytes, for keys and messages.
absl::string_view AsBytes(const Digest& digest);

// The sum of `bytes`.
Digest Sha256(absl::string_view bytes);

// The sum of what was added, in order. Thread-compatible.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) = default;
  Sha256Hasher& operator=(Sha256Hasher&&) = default;

  void Add(absl::string_view bytes);
  // Adds a number as eight little-endian bytes.
  void AddNumber(uint64_t number);
  // Adds the length, then the bytes: no two lists of strings collide.
  void AddSized(absl::string_view bytes);
  // Ends the sum; the hasher may not be used afterwards.
  Digest Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace oxbow

#endif  // OXBOW_BASE_SHA256_H_
