#include "store/testing/golden_contents.h"

#include <utility>

#include "store/testing/log_author.h"

namespace oxbow {
namespace {

constexpr StreamUid kBook = 1;
constexpr StreamUid kFork = 2;
constexpr StreamUid kOrigin = 3;
constexpr StreamUid kImport = 4;
constexpr StreamUid kDeleted = 5;
constexpr StreamUid kLate = 6;

Digest DigestOf(uint8_t first) {
  Digest digest;
  for (size_t i = 0; i < digest.size(); ++i) digest[i] = first + i;
  return digest;
}

// Bytes that do not compress.
std::string StateOf(uint64_t seed, size_t size) {
  std::string bytes(size, '\0');
  uint64_t x = seed;
  for (char& c : bytes) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(x >> 56);
  }
  return bytes;
}

StreamRecord Stream(StreamUid uid, const std::string& name) {
  StreamRecord stream;
  stream.uid = uid;
  stream.tenant = "default";
  stream.name = name;
  stream.created = absl::FromUnixNanos(1767225600123456789);
  stream.epoch = uid + 3;
  stream.request_digest = DigestOf(uid);
  stream.model_ids = {{"generator", DigestOf(100)}, {"embedder", DigestOf(50)}};
  return stream;
}

Checkpoint StateAt(StreamUid uid, const std::string& reader, uint64_t token,
                   Position position, size_t bytes) {
  Checkpoint checkpoint;
  CheckpointHeader& header = checkpoint.header;
  header.uid = uid;
  header.reader = reader;
  header.token_offset = token;
  header.position = position;
  header.id_chain = DigestOf(token);
  header.model_id = DigestOf(100);
  header.layout_id = "rwkv7:l2:c64:h16";
  header.numerics_id = "cpu-exact-1";
  header.created = absl::FromUnixNanos(1767225601000000001);
  checkpoint.state = StateOf(token, bytes);
  return checkpoint;
}

StoreBatch::Append Append(StreamUid uid, LogRecord record) {
  record.epoch = uid + 3;
  return {uid, std::move(record)};
}

StoreBatch Book() {
  StoreBatch batch;
  StreamRecord book = Stream(kBook, "book");
  book.expires = absl::FromUnixNanos(4102444800000000001);  // in 2100
  book.labels = {{"author", "nobody"}, {"empty", ""}};
  book.plan.kind = EmbeddingPlan::Kind::kEveryTokens;
  book.plan.tokens = 128;
  book.plan.prefix = "Doc: ";
  book.plan.prefix_reader = "embedder";
  batch.put_streams.push_back(book);
  LogAuthor author;
  batch.appends.push_back(Append(kBook, author.Text("Call it a river. ")));
  LogRecord bytes = author.Text(std::string("\0\xff\n", 3) + "\xe2\x82\xac");
  batch.appends.push_back(Append(kBook, bytes));
  batch.appends.push_back(Append(kBook, author.Tokens({1, 65535, 7}, 9, 2)));
  Checkpoint small = StateAt(kBook, "generator", 4, {17, 0}, 300);
  small.header.savepoints = {
      {"before it bends", {17, 0}, absl::FromUnixNanos(1767225602000000000)}};
  batch.put_checkpoints.push_back(small);
  // Over 4 KiB: in a blob file.
  batch.put_checkpoints.push_back(
      StateAt(kBook, "generator", 9, author.end(), 6000));
  batch.put_checkpoints.push_back(StateAt(kBook, "embedder", 9, {23, 0}, 64));
  batch.put_embeddings.push_back({kBook, {0, 4, 0, 17, {0.5f, -1.25f, 3e-5f}}});
  batch.put_embeddings.push_back({kBook, {4, 9, 17, 23, {1.0f, 0.0f, 2.0f}}});
  batch.put_requests.push_back({kBook, "retry-1", std::string("r\0s", 3)});
  return batch;
}

StoreBatch Fork() {
  StoreBatch batch;
  StreamRecord fork = Stream(kFork, "fork");
  fork.ancestry.push_back({kBook, {17, 0}, true, absl::nullopt});
  fork.forked_from = "book";
  fork.plan.kind = EmbeddingPlan::Kind::kParagraph;
  batch.put_streams.push_back(fork);
  LogAuthor author(Position{17, 0});
  batch.appends.push_back(Append(kFork, author.Text("Or a lake.")));
  return batch;
}

StoreBatch Origin() {
  StoreBatch batch;
  batch.put_checkpoints.push_back(
      StateAt(kOrigin, "generator", 70, {500, 1}, 100));
  return batch;
}

StoreBatch Import() {
  StoreBatch batch;
  StreamRecord import = Stream(kImport, "import");
  import.ancestry.push_back({kOrigin, {500, 1}, true, 70});
  batch.put_streams.push_back(import);
  return batch;
}

StoreBatch Deleted() {
  StoreBatch batch;
  batch.put_streams.push_back(Stream(kDeleted, "deleted"));
  LogAuthor author;
  batch.appends.push_back(Append(kDeleted, author.Text("gone")));
  return batch;
}

StoreBatch Late() {
  StoreBatch batch;
  batch.put_streams.push_back(Stream(kLate, "late"));
  LogAuthor author;
  batch.appends.push_back(
      Append(kLate, author.Text("only in the log of changes")));
  batch.put_checkpoints.push_back(
      StateAt(kLate, "generator", 5, author.end(), 5000));
  return batch;
}

}  // namespace

GoldenContents ContentsOfFormat1() {
  GoldenContents contents;
  contents.batches = {Book(), Fork(), Origin(), Import(), Deleted(), Late()};
  contents.uids = 6;
  contents.first_in_log = 5;
  contents.deleted = kDeleted;
  contents.property = "generator_model";
  return contents;
}

}  // namespace oxbow
