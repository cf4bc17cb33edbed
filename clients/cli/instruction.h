// EmbeddingRWKV's words around queries and documents.
#ifndef OXBOW_CLIENTS_CLI_INSTRUCTION_H_
#define OXBOW_CLIENTS_CLI_INSTRUCTION_H_

#include <string>

namespace oxbow::cli {

// What its retrieval heads and its rerankers were trained with.
inline constexpr char kRetrieveDocuments[] =
    "Given a query, retrieve documents that answer the query";

// EmbeddingPlan.prefix of a document that a reranker is to score.
inline std::string PrefixOf(const std::string& instruction) {
  return "Instruct: " + instruction + "\nDocument: ";
}

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_INSTRUCTION_H_
