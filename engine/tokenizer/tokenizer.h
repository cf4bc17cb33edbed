// Text to token ids and back.
//
// A text is a row of units, and a unit is one token or several. Where a unit
// ends, a text may be cut: what comes before and what comes after give the
// same tokens apart as together. A vocabulary with greedy longest match
// (World) has units of one token; byte pair encoding has units of a word
// (docs/tokenizers.md). A unit is decided once it is seen that no
// further byte can change it.
#ifndef OXBOW_ENGINE_TOKENIZER_TOKENIZER_H_
#define OXBOW_ENGINE_TOKENIZER_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "engine/tokenizer/text_token.h"

namespace oxbow {

// Immutable after construction; thread-safe.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // "world:<file name>", "gguf:<file name>", "hf:<file name>", "bytes", "none".
  virtual std::string name() const = 0;
  // Digest of all that text and ids depend on: part of the model id.
  virtual Digest id() const = 0;
  // False for "none": text cannot be read, only ids.
  virtual bool reads_text() const = 0;
  // Ids are 0 .. id_end()-1 at most; some of them may have no piece.
  virtual int id_end() const = 0;
  // The longest unit, with what must be seen behind it, in bytes: at most
  // longest_piece() - 1 bytes of a text are undecided.
  virtual int longest_piece() const = 0;
  // Where a text ends, its last tokens may be others than in a longer text
  // that begins alike: none that ends at least so many bytes before the end.
  // 0 where every unit is one token.
  virtual int closed_tail() const { return 0; }
  // The bytes of an id; empty for ids without a piece (control ids).
  virtual absl::string_view Piece(int id) const = 0;
  // The end-of-document id: 0 if the vocabulary does not define id 0 as a
  // piece, else -1 (no such id).
  virtual int end_of_document() const = 0;

  // The first unit of `text`: appends its tokens, the last of which ends
  // where the unit does, and returns its length in bytes. 0, and nothing is
  // appended, if `text` is empty, or if more bytes could still change the
  // unit and `is_end` is false.
  virtual int Next(absl::string_view text, bool is_end,
                   std::vector<TextToken>* tokens) const = 0;
};

// All tokens of a whole text.
std::vector<int> Tokenize(const Tokenizer& tokenizer, absl::string_view text);

// The bytes of ids, end to end.
std::string Detokenize(const Tokenizer& tokenizer, const std::vector<int>& ids);

// The vocabulary file of World models: one `ID SP PYTHON_LITERAL SP LENGTH` a
// line, LF or CRLF, final newline optional. InvalidArgument names file, line
// and fault: a malformed line, a length that does not match, an id given
// twice or past 2^20, a piece given twice or longer than 1024 bytes, or a
// vocabulary that lacks one of the 256 single bytes.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadWorldTokenizer(
    const std::string& path);

// The vocabulary embedded in a GGUF file (gguf_vocabulary.h, with the errors).
// Its id is the World file's, if the pieces are.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadGgufTokenizer(
    const std::string& path);

// A Hugging Face tokenizer.json with a byte-level BPE model, such as the 20B
// one of RWKV-4 Pile. docs/tokenizers.md says what it may hold and where we
// deviate. InvalidArgument names file, part and fault; Unimplemented names a
// part that is not supported.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadHfTokenizer(
    const std::string& path);

// id = byte, for models of 256 tokens. No end of document.
std::unique_ptr<Tokenizer> NewBytesTokenizer();

// Ids only, 0 .. id_end-1; every piece is empty.
std::unique_ptr<Tokenizer> NewNoTokenizer(int id_end);

// What --tokenizer= accepts: "world:PATH", "gguf:PATH", "hf:PATH", "bytes",
// "none", or "" (then the vocabulary that a GGUF model embeds; without one, the
// `.vocab` of the model file's stem, or the one rwkv_vocab_*.txt beside it, or
// a tokenizer.json or 20B_tokenizer.json there whose ids fill the model's
// vocabulary; NotFound with a sentence that says what to do if there is none
// of them).
// InvalidArgument if ids reach past `vocabulary_size`.
absl::StatusOr<std::unique_ptr<Tokenizer>> MakeTokenizer(
    const std::string& flag, const std::string& model_path,
    int vocabulary_size);

}  // namespace oxbow

#endif  // OXBOW_ENGINE_TOKENIZER_TOKENIZER_H_
