#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "absl/base/internal/endian.h"
#include "absl/strings/escaping.h"
#include "base/check.h"

namespace oxbow {

std::string ToHex(const Digest& digest) {
  return absl::BytesToHexString(AsBytes(digest));
}

absl::string_view AsBytes(const Digest& digest) {
  return absl::string_view(reinterpret_cast<const char*>(digest.data()),
                           digest.size());
}

Digest Sha256(absl::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
         digest.data());
  return digest;
}

Sha256Hasher::Sha256Hasher() : context_(EVP_MD_CTX_new()) {
  OXBOW_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

void Sha256Hasher::Add(absl::string_view bytes) {
  OXBOW_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) ==
              1);
}

void Sha256Hasher::AddNumber(uint64_t number) {
  char bytes[8];
  absl::little_endian::Store64(bytes, number);
  Add(absl::string_view(bytes, sizeof(bytes)));
}

void Sha256Hasher::AddSized(absl::string_view bytes) {
  AddNumber(bytes.size());
  Add(bytes);
}

Digest Sha256Hasher::Finish() {
  Digest digest;
  OXBOW_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace oxbow
