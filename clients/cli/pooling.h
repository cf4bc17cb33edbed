// Names of poolings on the command line.
#ifndef OXBOW_CLIENTS_CLI_POOLING_H_
#define OXBOW_CLIENTS_CLI_POOLING_H_

#include <string>

#include "oxbow/v1/streams.pb.h"

namespace oxbow::cli {

// "": the server's choice.
inline v1::Pooling PoolingOf(const std::string& name) {
  if (name == "last") return v1::POOLING_LAST;
  if (name == "mean") return v1::POOLING_MEAN;
  if (name == "head") return v1::POOLING_HEAD;
  return v1::POOLING_UNSPECIFIED;
}

inline std::string NameOf(v1::Pooling pooling) {
  if (pooling == v1::POOLING_LAST) return "last";
  if (pooling == v1::POOLING_MEAN) return "mean";
  return "head";
}

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_POOLING_H_
